#include <tuf/trusted.hpp>

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace ashlar::tuf {

namespace {

constexpr const char* again = "get it again from where releases come from; if it is the same there, tell whoever signs them";
constexpr const char* older = "somebody offers old metadata as new: get it from where releases come from";

template <typename... Args>
MetadataError refusal(Fault fault, std::string_view name, const char* hint, fmt::format_string<Args...> cause, Args&&... args) {
    return {fault, fmt::format("cannot trust '{}': {}", name, fmt::format(cause, std::forward<Args>(args)...)), hint};
}

std::string file_of(std::string_view role) { return fmt::format("{}.json", role); }
std::string file_of_bundle(std::string_view train) { return fmt::format("bundle-{}.json", train); }

Envelope verified(std::string_view text, std::string_view name, const Role& role, const Keys& keys) {
    Envelope envelope = parse_envelope(text, name);
    verify_threshold(envelope, role, keys, name);
    return envelope;
}

// A root vouches for itself, and is known as what it says only then.
Root self_signed_root(const Envelope& envelope, std::string_view name) {
    Root root = root_of(envelope, name);
    verify_threshold(envelope, root.root, root.keys, name);
    return root;
}

void check_bytes(std::string_view text, const FileMeta& meta, std::string_view name) {
    if (meta.length && *meta.length != text.size()) throw refusal(Fault::mismatch, name, again, "it has {} bytes, not {}", text.size(), *meta.length);
    if (meta.hashes.empty()) return;
    const auto wanted = meta.hashes.find("sha256");
    if (wanted == meta.hashes.end()) throw refusal(Fault::mismatch, name, "Ashlar compares content by SHA-256 only: let whoever publishes it name that", "it is named without its SHA-256");
    if (sha256(text).hex() != wanted->second) throw refusal(Fault::mismatch, name, again, "its SHA-256 is not the one that is named");
}

void check_version(std::uint64_t have, std::uint64_t named, std::string_view name) {
    if (have != named) throw refusal(Fault::mismatch, name, again, "its version is {}, not {} as named", have, named);
}

void check_not_older(std::uint64_t have, std::uint64_t seen, std::string_view name) {
    if (have < seen) throw refusal(Fault::rollback, name, older, "its version is {}, after {} was seen", have, seen);
}

// Who delegates, in terms of keys.
struct Authority {
    const Keys& keys;
    const Role& role;
};

Authority delegation_of(const Targets& parent, std::string_view parent_name, std::string_view role) {
    const auto found = std::ranges::find(parent.delegations, role, &DelegatedRole::name);
    if (found == parent.delegations.end()) throw refusal(Fault::missing, file_of(role), again, "'{}' does not delegate to it", parent_name);
    return {parent.keys, found->role};
}

// What a role says of a train counts only where it is that train's own.
void check_terms(const Targets& targets, std::string_view role) {
    if (targets.train && role_of_train(targets.train->train) != role) throw refusal(Fault::mismatch, file_of(role), again, "it speaks for train '{}'", targets.train->train);
}

} // namespace

std::string role_of_train(std::string_view train) { return fmt::format("train-{}", train); }

Trusted::Trusted(std::string_view root, Time now) : root_(self_signed_root(parse_envelope(root, "root.json"), "root.json")), now_(now) { note_issue(root_, Clock::moves); }

const Targets* Trusted::targets(std::string_view role) const {
    const auto found = targets_.find(role);
    return found == targets_.end() ? nullptr : &found->second.targets;
}

void Trusted::note_issue(const Common& common, Clock clock) {
    if (!common.issued) return;
    newest_issue_ = std::max(newest_issue_.value_or(*common.issued), *common.issued);
    if (clock == Clock::moves) now_ = std::max(now_, *common.issued);
}

void Trusted::require_current(const Common& common, std::string_view name) const {
    if (common.expires > now_) return;
    throw refusal(Fault::expired, name, "get newer metadata; if there is none, tell whoever signs releases", "it expired at {}, and it is {}", text_of(common.expires), text_of(now_));
}

// ---- root --------------------------------------------------------------------------------------

void Trusted::update_root(std::string_view text) {
    const std::string name = fmt::format("{}.root.json", root_.version + 1);
    const Envelope envelope = verified(text, name, root_.root, root_.keys);
    Root next = self_signed_root(envelope, name);
    if (next.version < root_.version + 1) throw refusal(Fault::rollback, name, older, "its version is {}, after {} was seen", next.version, root_.version);
    check_version(next.version, root_.version + 1, name);
    root_ = std::move(next);
    note_issue(root_, Clock::moves);
}

void Trusted::require_current_root() const { require_current(root_, fmt::format("{}.root.json", root_.version)); }

// ---- timestamp and snapshot --------------------------------------------------------------------

Trusted::Taken Trusted::update_timestamp(std::string_view text) {
    constexpr std::string_view name = "timestamp.json";
    require_current_root();
    const Timestamp next = timestamp_of(verified(text, name, root_.timestamp, root_.keys), name);
    if (timestamp_) {
        check_not_older(next.version, timestamp_->version, name);
        if (next.version == timestamp_->version) {
            require_current(*timestamp_, name);
            return Taken::same;
        }
        if (next.snapshot.version < timestamp_->snapshot.version)
            throw refusal(Fault::rollback, name, older, "it names version {} of the snapshot, after {} was seen", next.snapshot.version, timestamp_->snapshot.version);
    }
    timestamp_ = next;
    require_current(*timestamp_, name);
    return Taken::newer;
}

void Trusted::refuse_rollback(const Snapshot& next) const {
    constexpr std::string_view name = "snapshot.json";
    const auto refuse_below = [&](const std::string& file, const FileMeta& seen) {
        const auto found = next.meta.find(file);
        if (found != next.meta.end() && found->second.version < seen.version)
            throw refusal(Fault::rollback, name, older, "it names version {} of '{}', after {} was seen", found->second.version, file, seen.version);
        return found != next.meta.end();
    };
    if (seen_bundle_)
        for (const auto& [file, seen] : seen_bundle_->meta) refuse_below(file, seen);
    if (!snapshot_) return;
    for (const auto& [file, seen] : snapshot_->meta)
        if (!refuse_below(file, seen)) throw refusal(Fault::rollback, name, older, "it does not name '{}', which the one before did", file);
}

void Trusted::require_final_snapshot() const {
    require_current(*timestamp_, "timestamp.json");
    require_current(*snapshot_, "snapshot.json");
    check_version(snapshot_->version, timestamp_->snapshot.version, "snapshot.json");
}

void Trusted::update_snapshot(std::string_view text, Stored stored) {
    constexpr std::string_view name = "snapshot.json";
    if (!timestamp_) throw refusal(Fault::missing, name, again, "there is no timestamp that names it");
    require_current_root();
    require_current(*timestamp_, "timestamp.json");
    const FileMeta& meta = timestamp_->snapshot;
    if (stored == Stored::no) check_bytes(text, meta, name);
    Snapshot next = snapshot_of(verified(text, name, root_.snapshot, root_.keys), name);
    refuse_rollback(next);
    if (stored == Stored::no) check_version(next.version, meta.version, name);
    snapshot_ = std::move(next);
    targets_.clear();
    require_final_snapshot();
    if (stored == Stored::yes) check_bytes(text, meta, name);
}

// ---- bundle ------------------------------------------------------------------------------------

Envelope Trusted::verified_bundle(std::string_view text, std::string_view name) const {
    if (!root_.bundle) throw refusal(Fault::threshold, name, "get it from where it was made for this site", "root names no keys for bundles");
    return verified(text, name, *root_.bundle, root_.keys);
}

void Trusted::require_final_bundle() const {
    if (stale_ != bundle_->version) require_current(*bundle_, file_of_bundle(bundle_->train));
}

Trusted::Taken Trusted::update_bundle(std::string_view text, std::string_view train, std::optional<std::uint64_t> stale) {
    const std::string name = file_of_bundle(train);
    require_current_root();
    stale_ = stale;
    const Envelope envelope = verified_bundle(text, name);
    Bundle next = bundle_of(envelope, name);
    if (next.train != train) throw refusal(Fault::mismatch, name, again, "it is of train '{}'", next.train);
    std::string bytes = envelope.signed_bytes();
    if (bundle_) {
        check_not_older(next.version, bundle_->version, name);
        if (next.version == bundle_->version) {
            if (bytes != bundle_bytes_) throw refusal(Fault::mismatch, name, again, "serial {} had other content before", next.version);
            require_final_bundle();
            return Taken::same;
        }
    }
    bundle_ = std::move(next);
    bundle_bytes_ = std::move(bytes);
    targets_.clear();
    note_issue(*bundle_, Clock::moves);
    require_final_bundle();
    return Taken::newer;
}

void Trusted::remember_bundle(std::string_view text, std::string_view train) {
    const std::string name = file_of_bundle(train);
    seen_bundle_ = bundle_of(verified_bundle(text, name), name);
}

// ---- targets -----------------------------------------------------------------------------------

const FileMeta& Trusted::meta_of(std::string_view role) const {
    const std::string file = file_of(role);
    if (!has_source()) throw refusal(Fault::missing, file, again, "there is neither a snapshot nor a bundle that names it");
    const auto& meta = bundle_ ? bundle_->meta : snapshot_->meta;
    const auto found = meta.find(file);
    if (found == meta.end()) throw refusal(Fault::missing, file, again, "{} does not name it", bundle_ ? "the bundle" : "the snapshot");
    return found->second;
}

void Trusted::check_file(std::string_view text, const Common& read, std::string_view role, Stored stored) const {
    const FileMeta& meta = meta_of(role);
    const std::string name = file_of(role);
    if (bundle_ && stored == Stored::yes && read.version > meta.version) {
        if (role != role_of_train(bundle_->train)) return;
        throw refusal(Fault::rollback, file_of_bundle(bundle_->train), older, "it names version {} of '{}', after {} was seen", meta.version, name, read.version);
    }
    check_version(read.version, meta.version, name);
    check_bytes(text, meta, name);
}

void Trusted::update_targets(std::string_view text, std::string_view role, std::string_view parent, Stored stored) {
    const std::string name = file_of(role);
    const FileMeta& meta = meta_of(role);
    bundle_ ? require_final_bundle() : require_final_snapshot();
    require_current_root();
    // Before anything of it is parsed, where that can be.
    if (stored == Stored::no) check_bytes(text, meta, name);
    const Targets* const above = targets(parent);
    if (parent != "root" && above == nullptr) throw refusal(Fault::missing, name, again, "'{}', which delegates to it, is not there", parent);
    if ((parent == "root") != (role == "targets")) throw refusal(Fault::missing, name, again, "'{}' does not delegate to it", parent);
    const Authority authority = above == nullptr ? Authority{root_.keys, root_.targets} : delegation_of(*above, parent, role);
    Targets next = targets_of(verified(text, name, authority.role, authority.keys), name);
    check_file(text, next, role, stored);
    check_terms(next, role);
    require_current(next, name);
    if (role == "targets") note_issue(next, Clock::stays);
    Delegate& delegate = targets_[std::string(role)];
    delegate.targets = std::move(next);
    delegate.parents.emplace(parent);
}

bool Trusted::has(std::string_view role, std::string_view parent) const {
    const auto found = targets_.find(role);
    return found != targets_.end() && found->second.parents.contains(parent);
}

// ---- looking for a target ----------------------------------------------------------------------

namespace {

struct Visit {
    std::string role, parent;
};

// In reverse, since the last is visited next. A terminating delegation is the last word on the path.
void push_delegations(std::vector<Visit>& open, const Targets& targets, const std::string& role, std::string_view path) {
    std::vector<Visit> children;
    for (const auto& delegation : targets.delegations) {
        if (!delegation.covers(path)) continue;
        children.push_back({delegation.name, role});
        if (!delegation.terminating) continue;
        open.clear();
        break;
    }
    open.insert(open.end(), std::make_move_iterator(children.rbegin()), std::make_move_iterator(children.rend()));
}

} // namespace

std::optional<Trusted::Found> Trusted::find(std::string_view path, const Load& load) {
    std::vector<Visit> open{{"targets", "root"}};
    std::set<std::string> visited;
    while (!open.empty()) {
        const Visit visit = std::move(open.back());
        open.pop_back();
        if (!visited.insert(visit.role).second) continue;
        if (visited.size() > most_delegations + 1)
            throw MetadataError(Fault::endless, fmt::format("cannot find '{}': more than {} delegated roles lie on the way to it", path, most_delegations), "tell whoever signs 'targets'");
        if (!has(visit.role, visit.parent)) load(visit.role, visit.parent);
        const Targets& targets = targets_.at(visit.role).targets;
        if (const auto target = targets.targets.find(path); target != targets.targets.end()) return Found{visit.role, target->second};
        push_delegations(open, targets, visit.role, path);
    }
    return std::nullopt;
}

} // namespace ashlar::tuf

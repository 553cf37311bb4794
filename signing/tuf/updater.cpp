#include <tuf/updater.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace ashlar::tuf {

namespace {

std::string stored_root(const Store& store) {
    auto root = store.load("root");
    if (!root) throw MetadataError(Fault::missing, "cannot trust 'releases': there is no root in the store", "put the root that this site trusts there first");
    return std::move(*root);
}

std::string role_of_bundle(std::string_view train) { return fmt::format("bundle-{}", train); }

MetadataError absent(std::string_view name, std::string hint) { return {Fault::missing, fmt::format("cannot read '{}': the repository does not have it", name), std::move(hint)}; }

// What a stored file is refused for is no news: it was of another run, and the repository's is asked for then.
template <typename Take>
bool is_good(Take&& take) try {
    take();
    return true;
} catch (const MetadataError&) {
    return false;
}

// A key that was there is no more: that is how a stolen one is got rid of.
bool loses_a_key(const Role& before, const Role& after) {
    return std::ranges::any_of(before.key_ids, [&](const auto& id) { return std::ranges::find(after.key_ids, id) == after.key_ids.end(); });
}
bool loses_a_key(const std::optional<Role>& before, const std::optional<Role>& after) { return before && loses_a_key(*before, after.value_or(Role{})); }

} // namespace

Updater::Updater(Repository& repository, Store& store, UpdaterOptions options)
    : repository_(repository), store_(store), options_(std::move(options)), trusted_(stored_root(store), options_.now) {}

void Updater::refresh() {
    walk_roots();
    trusted_.require_current_root();
    if (const auto timestamp = repository_.metadata("timestamp.json", most_timestamp_bytes)) {
        take_timestamp(*timestamp);
        take_snapshot();
    } else if (options_.train) {
        take_bundle();
    } else {
        throw absent("timestamp.json", "is this the address of a repository's metadata?");
    }
    load("targets", "root");
}

// ---- root --------------------------------------------------------------------------------------

void Updater::walk_roots() {
    for (unsigned step = 0;; ++step) {
        const std::string name = file_name_of("root", trusted_.root().version + 1);
        const auto text = repository_.metadata(name, most_root_bytes);
        if (!text) return;
        if (step == most_root_rotations)
            throw MetadataError(Fault::endless, fmt::format("cannot trust '{}': {} new roots in one run are enough", name, most_root_rotations), "run it again if there really are so many");
        const Root before = trusted_.root();
        trusted_.update_root(*text);
        forget_rotated(before);
        store_.save("root", *text);
    }
}

// Whoever had a stolen key may have used up version numbers. Before the new root is stored: a run that is cut off between the
// two comes here again.
void Updater::forget_rotated(const Root& before) {
    const Root& after = trusted_.root();
    if (loses_a_key(before.timestamp, after.timestamp) || loses_a_key(before.snapshot, after.snapshot))
        for (const auto* role : {"timestamp", "snapshot"}) store_.remove(role);
    if (loses_a_key(before.targets, after.targets)) store_.remove("targets");
    if (options_.train && loses_a_key(before.bundle, after.bundle)) store_.remove(role_of_bundle(*options_.train));
}

// ---- what is newest ----------------------------------------------------------------------------

void Updater::take_timestamp(std::string_view text) {
    if (const auto stored = store_.load("timestamp")) is_good([&] { trusted_.update_timestamp(*stored); });
    if (trusted_.update_timestamp(text) == Trusted::Taken::newer) store_.save("timestamp", text);
}

void Updater::take_snapshot() {
    if (options_.train)
        if (const auto seen = store_.load(role_of_bundle(*options_.train))) is_good([&] { trusted_.remember_bundle(*seen, *options_.train); });
    if (const auto stored = store_.load("snapshot"))
        if (is_good([&] { trusted_.update_snapshot(*stored, Trusted::Stored::yes); })) return;
    const FileMeta& meta = trusted_.timestamp()->snapshot;
    const std::string text = demand(versioned("snapshot", meta.version), std::min(meta.length.value_or(most_snapshot_bytes), most_snapshot_bytes));
    trusted_.update_snapshot(text);
    store_.save("snapshot", text);
}

void Updater::take_bundle() {
    const std::string role = role_of_bundle(*options_.train);
    if (const auto stored = store_.load(role)) is_good([&] { trusted_.update_bundle(*stored, *options_.train, options_.stale); });
    const std::string text = demand(file_name_of(role), most_bundle_bytes);
    if (trusted_.update_bundle(text, *options_.train, options_.stale) == Trusted::Taken::newer) store_.save(role, text);
}

// ---- targets -----------------------------------------------------------------------------------

bool Updater::load_stored(const std::string& role, const std::string& parent) try {
    const auto stored = store_.load(role);
    if (stored) trusted_.update_targets(*stored, role, parent, Trusted::Stored::yes);
    return stored.has_value();
} catch (const MetadataError& error) {
    // A bundle must not undercut what was seen: neither by its train's older role, nor because what is newer has expired.
    if (trusted_.bundle() && (error.fault() == Fault::rollback || error.fault() == Fault::expired)) throw;
    return false;
}

void Updater::load(const std::string& role, const std::string& parent) {
    const FileMeta meta = trusted_.meta_of(role);
    if (load_stored(role, parent)) return;
    const std::string text = demand(versioned(role, meta.version), std::min(meta.length.value_or(most_targets_bytes), most_targets_bytes));
    trusted_.update_targets(text, role, parent);
    store_.save(role, text);
}

std::optional<Trusted::Found> Updater::find(std::string_view path) {
    return trusted_.find(path, [&](const std::string& role, const std::string& parent) { load(role, parent); });
}

const Targets& Updater::role(std::string_view name) {
    const std::string role(name);
    if (!trusted_.has(role, "targets")) load(role, "targets");
    return *trusted_.targets(role);
}

std::string Updater::versioned(std::string_view role, std::uint64_t version) const {
    return trusted_.root().consistent_snapshot ? file_name_of(role, version) : file_name_of(role);
}

std::string Updater::demand(const std::string& name, std::uint64_t most) {
    auto text = repository_.metadata(name, most);
    if (!text) throw absent(name, "other metadata names it: get the repository again, whole");
    return std::move(*text);
}

} // namespace ashlar::tuf

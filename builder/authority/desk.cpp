#include <authority/desk.hpp>

#include "signatories.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <requests/request.hpp>
#include <tuf/trusted.hpp>

#include <algorithm>
#include <functional>

#include <fmt/format.h>

namespace ashlar::authority {

namespace fs = std::filesystem;

namespace {

// Root before targets before what it delegates to; a snapshot and a timestamp of all of these; bundles last.
int rank(std::string_view role) {
    if (role == "root") return 0;
    if (role == "targets") return 1;
    if (role == "snapshot") return 3;
    if (role == "timestamp") return 4;
    return role.starts_with("bundle-") ? 5 : 2;
}

std::uint64_t version_in(const Json& signed_part) { return signed_part.at("version").get<std::uint64_t>(); }

// The files of a desk.
class Papers {
public:
    explicit Papers(const fs::path& directory) : pending_(directory / "pending"), requests_(directory / "requests") {}

    [[nodiscard]] std::vector<std::string> roles() const {
        std::vector<std::string> roles;
        if (fs::exists(pending_))
            for (const auto& entry : fs::directory_iterator(pending_))
                if (entry.path().extension() == ".json") roles.push_back(entry.path().stem().native());
        std::ranges::sort(roles, {}, [](const std::string& role) { return std::pair(rank(role), role); });
        return roles;
    }
    [[nodiscard]] std::optional<tuf::Envelope> load(std::string_view role) const {
        const fs::path file = proposal(role);
        return fs::exists(file) ? std::optional(tuf::parse_envelope(read_file(file), file.native())) : std::nullopt;
    }
    void save(std::string_view role, const tuf::Envelope& envelope) const {
        fs::create_directories(pending_);
        write_file(proposal(role), tuf::text_of(envelope), 0644, Durability::synced);
    }
    void forget(std::string_view role) const {
        forget_requests(role);
        fs::remove(proposal(role));
    }
    void forget_requests(std::string_view role) const {
        if (!fs::exists(requests_)) return;
        const std::string prefix = std::string(role) + ".";
        for (const auto& entry : fs::directory_iterator(requests_))
            if (entry.path().filename().native().starts_with(prefix)) fs::remove(entry.path());
    }
    [[nodiscard]] fs::path request(std::string_view role, std::string_view key) const { return requests_ / fmt::format("{}.{}.request.json", role, key); }

private:
    [[nodiscard]] fs::path proposal(std::string_view role) const { return pending_ / (std::string(role) + ".json"); }
    fs::path pending_, requests_;
};

using Signers = std::vector<std::shared_ptr<const MessageSigner>>;

// One proposal: whoever is at hand signs, answers are taken, the rest is asked for.
class Signing {
public:
    Signing(const Papers& papers, const Policy& policy, std::string role, tuf::Envelope envelope, const Signatories& by)
        : papers_(papers), policy_(policy), role_(std::move(role)), envelope_(std::move(envelope)), by_(by) {}

    // True: it is complete.
    bool go(const Signers& signers) {
        for (const auto& signer : signers)
            if (wants(signer->verifying_key())) tuf::sign(envelope_, *signer);
        for (const auto& key : by_.still_wanted(envelope_)) take_answer(key);
        papers_.save(role_, envelope_);
        return by_.are_met(envelope_);
    }
    [[nodiscard]] const tuf::Envelope& envelope() const { return envelope_; }

    std::vector<Wanted> ask() const {
        std::vector<Wanted> wanted;
        for (const auto& key : by_.still_wanted(envelope_)) {
            const std::string name = name_of(key), text = request(key, name);
            const fs::path file = papers_.request(role_, name);
            if (!fs::exists(file) || read_file(file) != text) {
                fs::create_directories(file.parent_path());
                write_file(file, text, 0644, Durability::synced);
            }
            wanted.push_back({role_, version_in(envelope_.signed_part), name, file});
        }
        std::ranges::sort(wanted, {}, &Wanted::key);
        return wanted;
    }

private:
    [[nodiscard]] bool wants(const VerifyingKey& key) const {
        const auto wanted = by_.still_wanted(envelope_);
        return std::ranges::find(wanted, key) != wanted.end();
    }
    [[nodiscard]] std::string request(const VerifyingKey& key, const std::string& name) const {
        const std::string message = envelope_.signed_bytes();
        const auto subject = fmt::format("{}, version {}", role_, version_in(envelope_.signed_part));
        return requests::text_of(requests::make_request(requests::Kind::metadata, subject, key, name, {bytes_of(message).begin(), bytes_of(message).end()}));
    }
    void take_answer(const VerifyingKey& key) {
        const std::string name = name_of(key);
        const fs::path file = papers_.request(role_, name), answer = requests::answer_path(file);
        if (!fs::exists(file) || !fs::exists(answer)) return;
        const std::string asked = requests::read_request(file);
        if (asked != request(key, name)) return; // of an older proposal
        tuf::add_signature(envelope_, key, requests::check_answer(requests::read_answer(answer), asked, key, answer.native()));
    }
    [[nodiscard]] std::string name_of(const VerifyingKey& key) const { return policy_.name_of(key).value_or(tuf::id_of(key).substr(0, 16)); }

    const Papers& papers_;
    const Policy& policy_;
    std::string role_;
    tuf::Envelope envelope_;
    const Signatories& by_;
};

std::string file_of(std::string_view role) { return std::string(role) + ".json"; }

// What a snapshot names: every role that signs targets.
std::map<std::string, tuf::FileMeta, std::less<>> published_targets(const Repository& repository) {
    std::map<std::string, tuf::FileMeta, std::less<>> meta;
    const auto add = [&](std::string_view role) {
        if (const auto version = repository.version(role)) meta.emplace(file_of(role), tuf::file_meta_of(*repository.text(role), *version));
    };
    add("targets");
    if (const auto targets = repository.targets("targets"))
        for (const auto& role : targets->delegations) add(role.name);
    return meta;
}

bool names_the_same(const std::map<std::string, tuf::FileMeta, std::less<>>& one, const std::map<std::string, tuf::FileMeta, std::less<>>& other) {
    return std::ranges::equal(one, other, [](const auto& a, const auto& b) { return a.first == b.first && a.second.version == b.second.version && a.second.hashes == b.second.hashes; });
}

// In half of its life there is time to make the next one.
bool is_getting_old(const tuf::Common& common, const RolePolicy& role, Time now) { return common.expires - now < role.lifetime / 2; }

} // namespace

void Desk::propose(std::string_view role, const Json& signed_part) const {
    const Papers papers(directory_);
    papers.forget_requests(role);
    papers.save(role, {.signed_part = signed_part, .signatures = {}});
}

std::optional<Json> Desk::proposed(std::string_view role) const {
    const auto envelope = Papers(directory_).load(role);
    return envelope ? std::optional(envelope->signed_part) : std::nullopt;
}

void Desk::withdraw(std::string_view role) const { Papers(directory_).forget(role); }

namespace {

// One run over the desk.
class Round {
public:
    Round(const fs::path& directory, const Policy& policy, const Repository& repository, const Signers& signers) : papers_(directory), policy_(policy), repository_(repository), signers_(signers) {}

    Advance go(const Desk& desk, Time now) {
        take([](int rank) { return rank < 3; });
        if (waiting_.empty()) follow(desk, now);
        take([](int rank) { return rank > 4; });
        return {std::move(published_), std::move(wanted_)};
    }

private:
    void take(const std::function<bool(int)>& which) {
        for (const auto& role : papers_.roles())
            if (which(rank(role))) take(role);
    }
    void take(const std::string& role) {
        const tuf::Envelope envelope = *papers_.load(role);
        // What it stands on is not there yet: its turn comes.
        if (std::ranges::any_of(waiting_, [&](const std::string& other) { return rank(other) < rank(role); })) return waiting_.push_back(role);
        const Signatories by = signatories(repository_, role, envelope);
        Signing signing(papers_, policy_, role, envelope, by);
        if (!signing.go(signers_)) {
            waiting_.push_back(role);
            for (auto& one : signing.ask()) wanted_.push_back(std::move(one));
            return;
        }
        const auto version = version_in(envelope.signed_part);
        repository_.publish(role, version, tuf::text_of(signing.envelope()));
        papers_.forget(role);
        published_.push_back({role, version});
    }

    // Snapshot and timestamp follow what they name; a proposal that names it already stays as it is.
    void follow(const Desk& desk, Time now) {
        const auto meta = published_targets(repository_);
        if (meta.empty()) return;
        if (wants_snapshot(meta, now)) desk.propose("snapshot", tuf::json_of(tuf::Snapshot{authority::next(repository_, policy_.role("snapshot"), now), meta}));
        if (papers_.load("snapshot")) take("snapshot");
        if (const auto newest = wants_timestamp(now)) desk.propose("timestamp", tuf::json_of(tuf::Timestamp{authority::next(repository_, policy_.role("timestamp"), now), *newest}));
        if (papers_.load("timestamp")) take("timestamp");
    }
    [[nodiscard]] bool wants_snapshot(const std::map<std::string, tuf::FileMeta, std::less<>>& meta, Time now) const {
        const auto is_good = [&](const tuf::Envelope& envelope) {
            const auto snapshot = tuf::snapshot_of(envelope, "snapshot.json");
            return names_the_same(snapshot.meta, meta) && !is_getting_old(snapshot, policy_.role("snapshot"), now);
        };
        return wants_another("snapshot", is_good);
    }
    // Neither what is proposed nor what is published, by keys that count today, will do.
    [[nodiscard]] bool wants_another(std::string_view role, const std::function<bool(const tuf::Envelope&)>& is_good) const {
        if (const auto there = papers_.load(role); there && is_good(*there)) return false;
        const auto published = repository_.text(role);
        if (!published) return true;
        const auto envelope = tuf::parse_envelope(*published, std::string(role) + ".json");
        return !is_good(envelope) || !signatories(repository_, role, envelope).are_met(envelope);
    }
    // Of which snapshot there is to be one.
    [[nodiscard]] std::optional<tuf::FileMeta> wants_timestamp(Time now) const {
        const auto version = repository_.version("snapshot");
        if (!version) return std::nullopt;
        const auto is_good = [&](const tuf::Envelope& envelope) {
            const auto timestamp = tuf::timestamp_of(envelope, "timestamp.json");
            return timestamp.snapshot.version == *version && !is_getting_old(timestamp, policy_.role("timestamp"), now);
        };
        if (!wants_another("timestamp", is_good)) return std::nullopt;
        return tuf::file_meta_of(*repository_.text("snapshot"), *version);
    }

    Papers papers_;
    const Policy& policy_;
    const Repository& repository_;
    const Signers& signers_;
    std::vector<std::string> waiting_;
    std::vector<Published> published_;
    std::vector<Wanted> wanted_;
};

} // namespace

Advance Desk::advance(const Signers& signers, Time now) const { return Round(directory_, policy_, repository_, signers).go(*this, now); }

Signers keys_at_hand(const Policy& policy, const std::optional<Secret>& passphrase) {
    Signers signers;
    for (const auto& role : policy.roles())
        for (const auto& name : role.keys) {
            const fs::path file = policy.private_file(name);
            if (!fs::exists(file)) continue;
            const bool encrypted = is_encrypted(file);
            if (encrypted && !passphrase) continue;
            signers.push_back(std::make_shared<const SigningKey>(SigningKey::load(file, encrypted ? std::optional(passphrase->text()) : std::nullopt)));
        }
    return signers;
}

tuf::Common next(const Repository& repository, const RolePolicy& role, Time now) {
    return {.version = repository.version(role.name).value_or(0) + 1, .expires = now + role.lifetime, .issued = now};
}

} // namespace ashlar::authority

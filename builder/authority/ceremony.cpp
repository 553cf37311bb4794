#include <authority/ceremony.hpp>

#include "signatories.hpp"

#include <tuf/trusted.hpp>

#include <base/error.hpp>

#include <algorithm>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::authority {

namespace {

tuf::Role role_of(const Policy& policy, const RolePolicy& role, tuf::Keys& keys) {
    tuf::Role made{.key_ids = {}, .threshold = role.threshold};
    for (const auto& name : role.keys) {
        auto key = tuf::key_of(policy.key(name));
        made.key_ids.push_back(key.id);
        keys.emplace(key.id, std::move(key));
    }
    std::ranges::sort(made.key_ids); // the order means nothing
    return made;
}

tuf::Root wanted_root(const Policy& policy) {
    tuf::Root root;
    root.consistent_snapshot = true;
    const auto role = [&](std::string_view name) { return role_of(policy, policy.role(name), root.keys); };
    root.root = role("root");
    root.targets = role("targets");
    root.snapshot = role("snapshot");
    root.timestamp = role("timestamp");
    root.bundle = role("bundle");
    return root;
}

// "trains/R1/*/*", "site/berlin-1/*"
std::string pattern_of(std::string_view role) {
    if (role.starts_with("train-")) return fmt::format("trains/{}/*/*", role.substr(6));
    return fmt::format("site/{}/*", role.substr(5));
}

tuf::Targets wanted_targets(const Policy& policy) {
    tuf::Targets targets;
    for (const auto& role : policy.roles())
        if (is_delegated(role.name))
            targets.delegations.push_back({.name = role.name, .role = role_of(policy, role, targets.keys), .terminating = true, .paths = {pattern_of(role.name)}, .path_hash_prefixes = {}});
    return targets;
}

// Without what each version has anew.
template <typename Metadata> Json said_by(Metadata metadata) {
    Json json = tuf::json_of(metadata);
    for (const char* key : {"version", "expires", "x-ashlar-issued"}) json.erase(key);
    return json;
}

bool is_getting_old(const tuf::Common& common, const RolePolicy& role, Time now) { return common.expires - now < role.lifetime / 4; }

class Preparation {
public:
    Preparation(const Policy& policy, const Repository& repository, const Desk& desk, Time now) : policy_(policy), repository_(repository), desk_(desk), now_(now) {}

    std::vector<std::string> go() {
        consider("root", wanted_root(policy_), repository_.root());
        auto targets = wanted_targets(policy_);
        const auto published = repository_.targets("targets");
        if (published) targets.targets = published->targets;
        consider("targets", std::move(targets), published);
        for (const auto& role : policy_.roles())
            if (is_delegated(role.name)) consider_again(role.name);
        return std::move(proposed_);
    }

private:
    template <typename Metadata> void consider(const std::string& role, Metadata wanted, const std::optional<Metadata>& published) {
        const bool is_there = published && said_by(*published) == said_by(wanted) && !is_getting_old(*published, policy_.role(role), now_) && would_be_signed(role);
        if (is_there) return desk_.withdraw(role);
        propose(role, std::move(wanted));
    }
    // A train's or site's own metadata: the same once more.
    void consider_again(const std::string& role) {
        auto published = repository_.targets(role);
        if (!published || desk_.proposed(role)) return;
        if (is_getting_old(*published, policy_.role(role), now_) || !would_be_signed(role)) propose(role, std::move(*published));
    }
    template <typename Metadata> void propose(const std::string& role, Metadata metadata) {
        static_cast<tuf::Common&>(metadata) = next(repository_, policy_.role(role), now_);
        proposed_.push_back(role);
        const auto there = desk_.proposed(role);
        if (there && says_the_same(*there, tuf::json_of(metadata))) return;
        desk_.propose(role, tuf::json_of(metadata));
    }
    static bool says_the_same(Json one, Json other) {
        for (const char* key : {"expires", "x-ashlar-issued"}) {
            one.erase(key);
            other.erase(key);
        }
        return one == other;
    }

    [[nodiscard]] tuf::Envelope in_force(const std::string& role) const { return tuf::parse_envelope(*repository_.text(role), role + ".json"); }
    // By the keys that the policy gives the role; they may not be in force yet.
    [[nodiscard]] bool would_be_signed(const std::string& role) const {
        tuf::Keys keys;
        const auto wanted = role_of(policy_, policy_.role(role), keys);
        return Signatories{.groups = {{wanted, keys}}}.are_met(in_force(role));
    }

    const Policy& policy_;
    const Repository& repository_;
    const Desk& desk_;
    Time now_;
    std::vector<std::string> proposed_;
};

class Survey {
public:
    Survey(const Policy& policy, const Repository& repository, Time now, std::chrono::days margin) : policy_(policy), repository_(repository), now_(now), margin_(margin) {}

    std::vector<Obstacle> of(std::string_view train) {
        const std::string role = tuf::role_of_train(train);
        if (!policy_.find(role)) add(fmt::format("there is no key for train {}", train), fmt::format("`ashlar key new {}`, then `ashlar key ceremony`", role));
        look_at_root();
        look_at_targets(role);
        return std::move(found_);
    }

private:
    void look_at_root() {
        const auto root = repository_.root();
        if (!root) return add("there is no root", "`ashlar key ceremony` makes it");
        if (said_by(*root) != said_by(wanted_root(policy_))) add("trust.toml is not in force: root has other keys or thresholds", "`ashlar key ceremony`");
        look_at_end("root", *root);
    }
    void look_at_targets(const std::string& role) {
        const auto targets = repository_.targets("targets");
        if (!targets) return add("there is no targets role", "`ashlar key ceremony` makes it");
        auto wanted = wanted_targets(policy_);
        wanted.targets = targets->targets;
        if (said_by(*targets) != said_by(wanted)) add("trust.toml is not in force: targets delegates otherwise", "`ashlar key ceremony`");
        look_at_end("targets", *targets);
        if (const auto own = repository_.targets(role)) look_at_end(role, *own);
    }
    void look_at_end(std::string_view role, const tuf::Common& common) {
        if (common.expires - now_ >= margin_) return;
        const auto end = fmt::format("{:%Y-%m-%d}", fmt::gmtime(common.expires.time_since_epoch().count()));
        add(fmt::format("the metadata of '{}' {} on {}", role, common.expires < now_ ? "has expired" : "expires", end), "`ashlar key ceremony` signs it again");
    }
    void add(std::string cause, std::string remedy) { found_.push_back({std::move(cause), std::move(remedy)}); }

    const Policy& policy_;
    const Repository& repository_;
    Time now_;
    std::chrono::days margin_;
    std::vector<Obstacle> found_;
};

} // namespace

std::vector<std::string> prepare(const Policy& policy, const Repository& repository, const Desk& desk, Time now) { return Preparation(policy, repository, desk, now).go(); }

std::vector<Obstacle> obstacles(const Policy& policy, const Repository& repository, std::string_view train, Time now, std::chrono::days margin) {
    return Survey(policy, repository, now, margin).of(train);
}

} // namespace ashlar::authority

#include "handlers.hpp"

#include "refusals.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <formation/reader.hpp>
#include <voters/secrets.hpp>

#include <algorithm>

namespace ashlar::voters {

Outcome free_lock(const Occasion& occasion) {
    const std::string formation = occasion.request.text("name");
    if (!formation::is_formation_name(formation)) return not_found("'{}' is no name of a formation", one_line(formation, 100));
    const std::string key = key::below(key::locks, formation);
    const auto lock = occasion.etcd.get(key);
    if (!lock) return not_found("nobody has the lock of '{}'", formation);
    const Json holder = record_in(lock->value);
    const auto node = NodeId::parse(holder.value("owner", std::string()));
    const auto* const member = node ? occasion.roster().member(*node) : nullptr;
    const std::string owner = member == nullptr ? holder.value("owner", std::string("nobody who can be read")) : member->bearer.name;
    return Deed{.conditions = {{etcd::Condition::Of::modified, key, lock->modified}},
                .changes = {etcd::Delete{key}},
                .answer = {{"name", formation}, {"holder", owner}},
                .about = formation,
                .text = fmt::format("{} had it for '{}'", one_line(owner, 63), one_line(holder.value("plan", std::string()), 100)),
                .what = {}};
}

Outcome retry_formation(const Occasion& occasion) {
    const std::string formation = occasion.request.text("name");
    if (!occasion.picture.formations.contains(formation)) return not_found("'{}' is no formation that this voter knows", one_line(formation, 100));
    return Deed{.conditions = {},
                .changes = {etcd::Put{key::below(key::formations, formation) + "/retry", word_of(occasion)}},
                .answer = {{"name", formation}},
                .about = formation,
                .text = "what waited for a person is tried again",
                .what = {}};
}

namespace {

Refusal no_secret(const formation::Formation& formation, const std::string& secret) {
    std::vector<std::string> names;
    for (const auto& one : formation.secrets) names.push_back(one.name.value);
    Refusal refusal = not_found("'{}' has no secret '{}'", formation.name, one_line(secret, 100));
    refusal.details = {names.empty() ? "it has none" : fmt::format("it has: {}", join(names, ", "))};
    return refusal;
}

Outcome rotate_secret(const Occasion& occasion, const Rotate& rotate) {
    const std::string name = occasion.request.text("formation"), secret = occasion.request.text("secret");
    const auto found = occasion.picture.formations.find(name);
    if (found == occasion.picture.formations.end()) return not_found("'{}' is no formation that this voter knows", one_line(name, 100));
    if (found->second.secret(secret) == nullptr) return no_secret(found->second, secret);
    try {
        const Rotation next = rotate(name, secret);
        const std::string key = "/" + next.key;
        return Deed{.conditions = {{etcd::Condition::Of::modified, key, static_cast<etcd::Revision>(next.revision)}},
                    .changes = {etcd::Put{key, next.value}},
                    .answer = {{"formation", name}, {"secret", secret}},
                    .about = fmt::format("{}/{}", name, secret),
                    .text = "another value, sealed to the nodes that are entitled now",
                    .what = {}};
    } catch (const Error& error) {
        Refusal refusal = not_now("{}", error.message());
        if (!error.hint().empty()) refusal.details = {error.hint()};
        return refusal;
    }
}

} // namespace

Handler rotates_secrets(Rotate rotate) {
    return [rotate = std::move(rotate)](const Occasion& occasion) { return rotate_secret(occasion, rotate); };
}

} // namespace ashlar::voters

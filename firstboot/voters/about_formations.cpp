#include "handlers.hpp"

#include "refusals.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <formation/reader.hpp>
#include <signing/served_certificate.hpp>
#include <voters/secrets.hpp>

#include <algorithm>

#include <fmt/chrono.h>

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

Refusal not_now_for(const Error& error) {
    Refusal refusal = not_now("{}", error.message());
    if (!error.hint().empty()) refusal.details = {error.hint()};
    return refusal;
}

Deed written(const Rotation& next, const std::string& formation, const std::string& secret, Json answer, std::string text) {
    const std::string key = "/" + next.key;
    const etcd::Condition as_it_was = next.revision == 0 ? etcd::Condition{etcd::Condition::Of::created, key, 0} : etcd::Condition{etcd::Condition::Of::modified, key, static_cast<etcd::Revision>(next.revision)};
    answer["formation"] = formation;
    answer["secret"] = secret;
    return Deed{.conditions = {as_it_was}, .changes = {etcd::Put{key, next.value}}, .answer = std::move(answer), .about = fmt::format("{}/{}", formation, secret), .text = std::move(text), .what = {}};
}

// What the request names; or why there is none.
struct Named {
    const formation::Formation& formation;
    const formation::Secret& secret;
};
std::variant<Named, Refusal> named_secret(const Occasion& occasion) {
    const std::string name = occasion.request.text("formation"), secret = occasion.request.text("secret");
    const auto found = occasion.picture.formations.find(name);
    if (found == occasion.picture.formations.end()) return not_found("'{}' is no formation that this voter knows", one_line(name, 100));
    const auto* const known = found->second.secret(secret);
    if (known == nullptr) return no_secret(found->second, secret);
    return Named{found->second, *known};
}

Outcome rotate_secret(const Occasion& occasion, const Rotate& rotate) {
    const auto named = named_secret(occasion);
    if (const auto* const refusal = std::get_if<Refusal>(&named)) return *refusal;
    const auto& [formation, secret] = std::get<Named>(named);
    try {
        return written(rotate(formation.name, secret.name.value), formation.name, secret.name.value, Json::object(), "another value, sealed to the nodes that are entitled now");
    } catch (const Error& error) {
        return not_now_for(error);
    }
}

Outcome give_secret(const Occasion& occasion, const Seal& seal) {
    const auto named = named_secret(occasion);
    if (const auto* const refusal = std::get_if<Refusal>(&named)) return *refusal;
    const auto& [formation, secret] = std::get<Named>(named);
    const Bytes bytes = occasion.request.bytes("value");
    if (bytes.size() > most_given) return not_now("it has {} bytes, at most {} are taken", bytes.size(), most_given);
    const Secret value(ashlar::text_of(bytes));
    try {
        Json answer = Json::object();
        std::string text = "a value that a person gave, sealed to the nodes that are entitled now";
        if (secret.given == formation::Secret::Given::certificate) {
            const auto served = check_served_certificate(value.text(), occasion.plan ? occasion.plan->site.trust.ca : std::string(), occasion.now);
            text = one_line(fmt::format("a certificate for {}, until {:%Y-%m-%d}", join(served.names, ", "), served.expires));
            answer = {{"names", served.names}, {"expires", served.expires.time_since_epoch().count()}};
        }
        return written(seal(formation.name, secret.name.value, value), formation.name, secret.name.value, std::move(answer), std::move(text));
    } catch (const Error& error) {
        return not_now_for(error);
    }
}

} // namespace

Handler rotates_secrets(Rotate rotate) {
    return [rotate = std::move(rotate)](const Occasion& occasion) { return rotate_secret(occasion, rotate); };
}

Handler gives_secrets(Seal seal) {
    return [seal = std::move(seal)](const Occasion& occasion) { return give_secret(occasion, seal); };
}

} // namespace ashlar::voters

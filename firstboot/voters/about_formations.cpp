#include "handlers.hpp"

#include "refusals.hpp"

#include <formation/reader.hpp>

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

} // namespace ashlar::voters

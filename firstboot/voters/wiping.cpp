#include "handlers.hpp"

#include "refusals.hpp"

namespace ashlar::voters {

namespace {

// A voter cannot go on with what follows once it has no seat.
bool asks_at(const Occasion& occasion, const NodeId& node) {
    const auto* const local = std::get_if<LocalCaller>(&occasion.caller);
    return local != nullptr && local->node == node;
}

} // namespace

// From now on it is nobody, whether it hears of it or not: what it asks next is answered with the order.
Outcome wipe_node(const Occasion& occasion) {
    const auto* const member = occasion.roster().member_called(occasion.request.text("name"));
    if (member != nullptr && asks_at(occasion, member->node()) && occasion.roster().seats.size() > 1) return not_now("'{}' is the voter that is asked", member->bearer.name);
    const std::optional<NodeId> node = member == nullptr ? std::nullopt : std::optional(member->node());
    Outcome outcome = remove_node(occasion);
    auto* const deed = std::get_if<Deed>(&outcome);
    if (deed == nullptr) return outcome;
    deed->changes.emplace_back(etcd::Put{roster::key::wipe(*node), word_of(occasion)});
    deed->text = deed->text.empty() ? "it erases what it has as soon as it hears of it" : deed->text + "; it erases what it has as soon as it hears of it";
    return outcome;
}

std::optional<Refusal> told_to_wipe(const Certified& asker, const roster::Roster& roster, etcd::Client& client) {
    const auto* const bearer = std::get_if<certificates::NodeBearer>(&asker.bearer);
    const auto found = bearer == nullptr ? roster.nodes.end() : roster.nodes.find(bearer->node);
    // Not another key, under an id that it has not.
    if (found == roster.nodes.end() || found->second.value.state != roster::Member::State::removed || found->second.value.key != asker.key) return std::nullopt;
    const auto order = client.get(roster::key::wipe(bearer->node));
    if (!order) return std::nullopt;
    return Refusal{Reason::to_wipe, fmt::format("{} was removed from the site, and is to erase what it has", certificates::text_of(asker.bearer)), {fmt::format("ordered by {}", record_in(order->value).value("who", std::string("somebody")))}};
}

} // namespace ashlar::voters

// What a voter does for the site's authorities when others take their place: docs/decisions/0006-authority-rotation.md.

#include "office.hpp"

#include <base/text.hpp>
#include <signing/node_id.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site_member {

namespace {

using succession::Former, succession::Phase;
using voters::Reason, voters::Refusal;

Refusal not_now(std::string text, std::vector<std::string> details = {}) { return {Reason::not_now, std::move(text), std::move(details)}; }

std::set<NodeId> seats_of(const roster::Roster& roster) {
    std::set<NodeId> seats;
    for (const auto& [node, seat] : roster.seats) seats.insert(node);
    return seats;
}

std::set<NodeId> members_of(const roster::Roster& roster) {
    std::set<NodeId> members;
    for (const auto* member : roster.members()) members.insert(member->node());
    return members;
}

std::vector<std::string> names_of(const std::set<NodeId>& nodes, const roster::Roster& roster) {
    std::vector<std::string> names;
    for (const auto& node : nodes)
        if (const auto* const member = roster.member(node)) names.push_back(member->bearer.name);
    std::ranges::sort(names);
    return names;
}

std::vector<VerifyingKey> keys_of_voters(const roster::Roster& roster) {
    std::vector<VerifyingKey> keys;
    for (const auto& [node, seat] : roster.seats)
        if (const auto* const member = roster.member(node)) keys.push_back(member->key);
    return keys;
}

std::set<std::string> set_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

} // namespace

void Office::add_authority_asks() {
    desk_->add("authority", [this](const auto& occasion) { return show_authority(occasion); });
    desk_->add("authority.rotate", [this](const auto& occasion) { return rotate_authority(occasion); });
    desk_->add("authority.finish", [this](const auto& occasion) { return finish_rotation(occasion); });
}

// A node is told what this voter does already: it can have a certificate for it here.
voters::Outcome Office::show_authority(const voters::Occasion& occasion) const {
    if (const auto* const node = std::get_if<voters::NodeCaller>(&occasion.caller)) {
        const succession::Step own = parts_.lineage ? parts_.lineage->step : 0, said = occasion.request.number("step");
        if (said != 0 && said <= own) succession::follow(occasion.etcd, node->node, said);
        return Json{{"authorities", parts_.lineage ? certificates::to_json(*parts_.lineage) : Json(nullptr)}};
    }
    const auto stored = succession::read(occasion.etcd, parts_.value.site);
    if (!stored) return Json{{"step", 0}, {"phase", name_of(Phase::settled)}, {"awaited", Json::array()}, {"left", Json::array()}};
    const auto& state = stored->value;
    return Json{{"step", state.step()},
                {"phase", name_of(state.phase())},
                {"awaited", names_of(succession::awaited(state, succession::read_followed(occasion.etcd), members_of(occasion.roster())), occasion.roster())},
                {"left", names_of(state.left, occasion.roster())}};
}

voters::Outcome Office::rotate_authority(const voters::Occasion& occasion) const {
    const std::string former = occasion.request.text("former");
    if (former != "trusted" && former != "compromised") return Refusal{Reason::malformed, "'former' is 'trusted' or 'compromised'", {}};
    const auto& roster = occasion.roster();
    const auto stored = succession::read(occasion.etcd, parts_.value.site);
    if (stored && stored->value.phase() != Phase::settled) return not_now("the site's authorities are being replaced already", {"`ashlarctl site authority progress` says what that waits for"});
    if (stored && (!parts_.lineage || parts_.lineage->step != stored->value.step() || succession::whose_turn(stored->value, succession::read_followed(occasion.etcd), seats_of(roster))))
        return not_now("the voters have not yet all done the last step of the rotation before", {"ask again in a minute"});
    for (const auto& [node, seat] : roster.seats)
        if (const auto* const member = roster.member(node); member != nullptr && !etcd_.answers_at(seat.value.address))
            return not_now(fmt::format("the etcd of {} does not answer, and each voter's is started again in a rotation", member->bearer.name), {fmt::format("repair it, or `ashlarctl node remove {}`", member->bearer.name)});
    const auto state = succession::begin({.value = parts_.value, .authorities = keys_.authorities, .lineage = parts_.lineage}, keys_of_voters(roster), former == "trusted" ? Former::trusted : Former::compromised, occasion.now);
    return voters::Deed{.conditions = {{stored ? etcd::Condition::Of::modified : etcd::Condition::Of::created, succession::key::state, stored ? stored->revision : 0}},
                        .changes = {etcd::Put{succession::key::state, text_of(state)}},
                        .answer = {{"step", state.step()}, {"phase", name_of(state.phase())}},
                        .about = "authorities",
                        .text = fmt::format("step {}: the next one is SHA-256 {}, etcd's {}; the former is {}", state.step(), state.newest().site.digest().hex(), state.newest().etcd.digest().hex(), former),
                        .what = {}};
}

// Exactly those who are waited for: who comes in this minute is not left behind unseen.
voters::Outcome Office::finish_rotation(const voters::Occasion& occasion) const {
    const auto& roster = occasion.roster();
    const auto stored = succession::read(occasion.etcd, parts_.value.site);
    if (!stored || stored->value.phase() == Phase::settled) return not_now("the site's authorities are not being replaced");
    const auto awaited = succession::awaited(stored->value, succession::read_followed(occasion.etcd), members_of(roster));
    for (const auto& node : awaited)
        if (roster.seats.contains(node)) return not_now(fmt::format("{} is a voter, and none of them is left behind", roster.member(node)->bearer.name), {fmt::format("wait for it, or `ashlarctl node remove {}`", roster.member(node)->bearer.name)});
    const auto names = names_of(awaited, roster);
    if (names.empty()) return not_now("nobody is waited for: it goes on by itself");
    const std::string named = occasion.request.text("without");
    const auto without = split(named, ',');
    if (std::set<std::string>(without.begin(), without.end()) != set_of(names)) return not_now(fmt::format("it waits for {}, and these must all be named, and no others", join(names, ", ")));
    auto state = stored->value;
    state.left.insert(awaited.begin(), awaited.end());
    return voters::Deed{.conditions = {{etcd::Condition::Of::modified, succession::key::state, stored->revision}},
                        .changes = {etcd::Put{succession::key::state, text_of(state)}},
                        .answer = {{"left", names}},
                        .about = "authorities",
                        .text = fmt::format("step {} goes on without {}", state.step(), join(names, ", ")),
                        .what = {}};
}

std::optional<succession::State> Office::further(const certificates::NodeBearer& self) const {
    const auto session = etcd_.open();
    auto& client = session->client();
    (void)succession::advance(client, parts_.value.site, roster::read(client), certificates::text_of(self), parts_.now());
    auto stored = succession::read(client, parts_.value.site);
    return stored ? std::optional(std::move(stored->value)) : std::nullopt;
}

bool Office::is_free_for(const succession::State& state) const {
    const auto session = etcd_.open();
    auto& client = session->client();
    const auto roster = roster::read(client);
    if (succession::whose_turn(state, succession::read_followed(client), seats_of(roster)) != node_id_of(parts_.key.verifying_key())) return false;
    return std::ranges::all_of(roster.seats, [&](const auto& seat) { return etcd_.answers_at(seat.second.value.address); });
}

void Office::followed(succession::Step step) const {
    const auto session = etcd_.open();
    succession::follow(session->client(), node_id_of(parts_.key.verifying_key()), step);
}

} // namespace ashlar::site_member

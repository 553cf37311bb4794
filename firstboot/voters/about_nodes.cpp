#include "handlers.hpp"

#include "refusals.hpp"

#include <base/error.hpp>
#include <etcd/setup.hpp>

#include <algorithm>

namespace ashlar::voters {

namespace {

struct Applicant {
    NodeId node;
    std::string name; // that it asks for; may be empty
    etcd::Condition unchanged; // since it was read
};

std::string name_in(const Json& record) { return record.contains("name") && record["name"].is_string() ? record["name"].get<std::string>() : std::string(); }

std::variant<Applicant, Refusal> applicant_named(const Occasion& occasion, const std::string& wanted) {
    std::vector<Applicant> found;
    for (const auto& pair : occasion.etcd.range(std::string(roster::key::applicants)).pairs) {
        const auto node = NodeId::parse(std::string_view(pair.key).substr(roster::key::applicants.size()));
        const std::string name = name_in(record_in(pair.value));
        if (node && (node->text() == wanted || name == wanted)) found.push_back({*node, name, {etcd::Condition::Of::modified, pair.key, pair.modified}});
    }
    if (found.empty()) return not_found("nobody waits who is called '{}'", one_line(wanted, 100));
    if (found.size() > 1) return not_now("{} machines wait under the name '{}': say which one by its node id", found.size(), one_line(wanted, 100));
    return found.front();
}

// Somebody who does not wait, but was turned away, or was removed and may not come back by itself. Not by a name, which another one may
// have by now; and not who was removed to be wiped.
std::optional<Applicant> turned_away(const Occasion& occasion, const std::string& id) {
    const auto node = NodeId::parse(id);
    if (!node || occasion.etcd.get(roster::key::wipe(*node))) return std::nullopt;
    const auto known = occasion.roster().nodes.find(*node);
    const bool is_removed = known != occasion.roster().nodes.end() && known->second.value.state == roster::Member::State::removed;
    const std::string name = is_removed ? known->second.value.bearer.name : std::string();
    if (const auto denial = occasion.etcd.get(roster::key::denial(*node))) return Applicant{*node, name, {etcd::Condition::Of::modified, denial->key, denial->modified}};
    if (is_removed) return Applicant{*node, name, {etcd::Condition::Of::modified, roster::key::node(*node), known->second.revision}};
    return std::nullopt;
}

// The one that stands there replaces the other one.
Deed verdict(const Occasion& occasion, const Applicant& applicant, std::string_view said, std::string_view taken_back) {
    const std::string id = applicant.node.text();
    return {.conditions = {applicant.unchanged},
            .changes = {etcd::Put{key::below(said, id), word_of(occasion)}, etcd::Delete{key::below(taken_back, id)}},
            .answer = {{"node", id}, {"name", applicant.name}},
            .about = applicant.name.empty() ? id : fmt::format("{} ({})", one_line(applicant.name, 63), id),
            .text = {},
            .what = {}};
}

// ---- Removing ------------------------------------------------------------------------------------

const etcd::ClusterMember* member_of(const std::vector<etcd::ClusterMember>& members, const NodeId& node, const roster::Seat& seat) {
    const std::string url = etcd::peer_url(seat.address);
    // One that has not started yet has no name.
    const auto found = std::ranges::find_if(members, [&](const auto& member) { return member.name == node.text() || (member.name.empty() && std::ranges::find(member.peer_urls, url) != member.peer_urls.end()); });
    return found == members.end() ? nullptr : &*found;
}

// Before the roster says so: cut off in between, it is asked for again; the other way round etcd would keep a member that nobody is.
std::optional<Refusal> leave_etcd(const Occasion& occasion, const NodeId& node, const roster::Seat& seat) {
    const auto members = occasion.etcd.members();
    const auto* const member = member_of(members, node, seat);
    if (member == nullptr) return std::nullopt;
    if (auto refusal = may_lose(members, member->id)) return refusal;
    if (occasion.is_tried) return std::nullopt;
    try {
        occasion.etcd.remove_member(member->id);
        return std::nullopt;
    } catch (const Error& error) {
        // etcd says "unavailable" also when it means no.
        const auto left = occasion.etcd.members();
        if (member_of(left, node, seat) == nullptr) return std::nullopt;
        return Refusal{Reason::not_now, "the site's etcd does not let this voter go now: too few of the others are there", {error.message()}};
    }
}

void free_name(Deed& deed, const Occasion& occasion, const roster::Member& member) {
    const std::string key = roster::key::name(member.bearer.name);
    const auto holder = occasion.etcd.get(key);
    if (!holder || holder->value != member.node().text()) return;
    deed.conditions.push_back({etcd::Condition::Of::modified, key, holder->modified});
    deed.changes.emplace_back(etcd::Delete{key});
}

} // namespace

Outcome approve_node(const Occasion& occasion) {
    const std::string wanted = occasion.request.text("node");
    auto found = applicant_named(occasion, wanted);
    if (auto* const refusal = std::get_if<Refusal>(&found); refusal != nullptr && refusal->reason == Reason::not_found) {
        refusal->details = {"who was turned away or removed is let in again by its node id: `ashlarctl site audit` has it"};
        if (auto known = turned_away(occasion, wanted)) found = *std::move(known);
    }
    if (const auto* const refusal = std::get_if<Refusal>(&found)) return *refusal;
    return verdict(occasion, std::get<Applicant>(found), key::approvals, key::denials);
}

Outcome deny_node(const Occasion& occasion) {
    const auto found = applicant_named(occasion, occasion.request.text("node"));
    if (const auto* const refusal = std::get_if<Refusal>(&found)) return *refusal;
    const auto& applicant = std::get<Applicant>(found);
    Deed deed = verdict(occasion, applicant, key::denials, key::approvals);
    deed.changes.emplace_back(etcd::Delete{roster::key::applicant(applicant.node)});
    return deed;
}

std::optional<Refusal> may_lose(const std::vector<etcd::ClusterMember>& members, const std::string& id) {
    const auto others = std::ranges::count_if(members, [&](const auto& member) { return !member.learner && member.id != id; });
    const bool is_learner = std::ranges::any_of(members, [&](const auto& member) { return member.id == id && member.learner; });
    if (is_learner || others > 0) return std::nullopt;
    return Refusal{Reason::not_now, "it is the site's last voter: without it nothing of the site would be left", {"give another node a seat first"}};
}

Outcome remove_node(const Occasion& occasion) {
    const std::string name = occasion.request.text("name");
    const auto& roster = occasion.roster();
    const auto* const member = roster.member_called(name);
    if (member == nullptr) return not_found("no node of the site is called '{}'", one_line(name, 100));
    const NodeId node = member->node();
    const auto seat = roster.seats.find(node);
    if (seat != roster.seats.end()) {
        if (roster.seats.size() == 1) return *may_lose({}, {});
        if (auto refusal = leave_etcd(occasion, node, seat->second.value)) return *std::move(refusal);
    }
    roster::Member removed = *member;
    removed.state = roster::Member::State::removed;
    removed.since = occasion.now;
    Deed deed{.conditions = {{etcd::Condition::Of::modified, roster::key::node(node), roster.nodes.at(node).revision}},
              .changes = {etcd::Put{roster::key::node(node), roster::text_of(removed)}},
              .answer = {{"node", node.text()}, {"voter", seat != roster.seats.end()}},
              .about = fmt::format("{} ({})", name, node.text()),
              .text = seat != roster.seats.end() ? "it was a voter" : "",
              .what = {}};
    if (seat != roster.seats.end()) {
        deed.conditions.push_back({etcd::Condition::Of::modified, roster::key::seat(node), seat->second.revision});
        deed.changes.emplace_back(etcd::Delete{roster::key::seat(node)});
    }
    free_name(deed, occasion, *member);
    return deed;
}

Outcome replace_node(const Occasion& occasion) {
    const std::string name = occasion.request.text("name");
    const auto is_named_so = [&](const site::Node& node) { return node.name == name; };
    const bool is_planned = occasion.plan && std::ranges::any_of(occasion.plan->site.nodes, is_named_so);
    const auto* const member = occasion.roster().member_called(name);
    if (member == nullptr && !is_planned) return not_found("no node of the site is called '{}'", one_line(name, 100));
    return Deed{.conditions = {},
                .changes = {etcd::Put{key::below(key::replacements, name), word_of(occasion)}},
                .answer = {{"name", name}, {"node", member == nullptr ? Json(nullptr) : Json(member->node().text())}},
                .about = name,
                .text = "the next machine that enrols under this name takes its place",
                .what = {}};
}

} // namespace ashlar::voters

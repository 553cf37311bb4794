#include "formation_site.hpp"

#include <algorithm>

namespace ashlar::site_member {

namespace {

constexpr const char* root_role = "base"; // every role of a node extends it

const site::Node* planned(const site::Site& plan, const std::string& name) {
    const auto found = std::ranges::find(plan.nodes, name, &site::Node::name);
    return found == plan.nodes.end() ? nullptr : &*found;
}

std::map<std::string, std::string> addresses_of(const roster::Member& member, const site::Node* node) {
    std::map<std::string, std::string> addresses;
    if (!member.bearer.addresses.empty()) addresses[std::string(site::name_of(site::Plane::management))] = *member.bearer.addresses.begin();
    if (node != nullptr)
        for (const auto& [plane, all] : node->addresses)
            if (!all.empty()) addresses[std::string(site::name_of(plane))] = all.front().text();
    return addresses;
}

forming::Member formation_member(const roster::Member& member, const roster::Roster& roster, const site::Node* node) {
    forming::Member made{.id = member.node().text(), .name = member.bearer.name, .role = root_role, .lineage = {root_role}, .is_voter = roster.seats.contains(member.node()), .addresses = addresses_of(member, node)};
    for (const auto& role : member.bearer.roles)
        if (role != root_role) made.lineage.push_back(role);
    if (made.lineage.size() > 1) made.role = made.lineage.back();
    return made;
}

} // namespace

forming::Site formation_site(const site::Site& plan, const GenesisId& genesis, const roster::Roster& roster) {
    forming::Site site{.id = plan.id ? plan.id->text() : std::string(), .name = plan.name, .genesis = genesis.text(), .domain = {}, .ca = plan.trust.ca, .time_servers = plan.time_servers, .members = {}};
    auto members = roster.members();
    // Whoever is not listed comes behind, by name.
    std::ranges::stable_sort(members, {}, [&](const roster::Member* member) { return std::ranges::find(plan.nodes, member->bearer.name, &site::Node::name) - plan.nodes.begin(); });
    for (const auto* member : members) site.members.push_back(formation_member(*member, roster, planned(plan, member->bearer.name)));
    return site;
}

} // namespace ashlar::site_member

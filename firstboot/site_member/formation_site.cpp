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

void add_role(forming::Member& member, const std::string& role, const formation::RoleGraph& roles) {
    if (!roles.knows(role)) return member.unknown_roles.push_back(role);
    for (const auto& one : roles.lineage(role))
        if (std::ranges::find(member.lineage, one) == member.lineage.end()) member.lineage.push_back(one);
    if (!roles.extends(member.role, role)) member.role = role;
}

forming::Member formation_member(const roster::Member& member, const roster::Roster& roster, const site::Node* node, const formation::RoleGraph& roles) {
    forming::Member made{.id = member.node().text(), .name = member.bearer.name, .role = root_role, .lineage = {root_role}, .is_voter = roster.seats.contains(member.node()), .addresses = addresses_of(member, node)};
    for (const auto& role : member.bearer.roles) add_role(made, role, roles);
    return made;
}

std::map<std::string, std::vector<std::string>> subnets_of(const site::Site& plan) {
    std::map<std::string, std::vector<std::string>> subnets;
    for (const auto& [plane, network] : plan.planes)
        for (const auto& subnet : network.subnets) subnets[std::string(site::name_of(plane))].push_back(subnet.text());
    return subnets;
}

} // namespace

forming::Site formation_site(const site::Site& plan, const GenesisId& genesis, const roster::Roster& roster, const formation::RoleGraph& roles) {
    forming::Site site{.id = plan.id ? plan.id->text() : std::string(), .name = plan.name, .genesis = genesis.text(), .domain = {}, .ca = plan.trust.ca, .time_servers = plan.time_servers, .subnets = subnets_of(plan), .members = {}};
    for (const auto& [service, is_wanted] : plan.services)
        if (!is_wanted) site.without.insert(service);
    auto members = roster.members();
    // Whoever is not listed comes behind, by name.
    std::ranges::stable_sort(members, {}, [&](const roster::Member* member) { return std::ranges::find(plan.nodes, member->bearer.name, &site::Node::name) - plan.nodes.begin(); });
    for (const auto* member : members) site.members.push_back(formation_member(*member, roster, planned(plan, member->bearer.name), roles));
    return site;
}

} // namespace ashlar::site_member

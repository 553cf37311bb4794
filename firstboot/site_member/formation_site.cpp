#include "formation_site.hpp"

#include <signing/digest.hpp>

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

std::set<std::string> all_addresses_of(const roster::Member& member, const site::Node* node) {
    std::set<std::string> addresses = member.bearer.addresses;
    if (node != nullptr)
        for (const auto& [plane, all] : node->addresses)
            for (const auto& address : all) addresses.insert(address.text());
    return addresses;
}

void add_role(forming::Member& member, const std::string& role, const formation::RoleGraph& roles) {
    if (!roles.knows(role)) return member.unknown_roles.push_back(role);
    for (const auto& one : roles.lineage(role))
        if (std::ranges::find(member.lineage, one) == member.lineage.end()) member.lineage.push_back(one);
    if (!roles.extends(member.role, role)) member.role = role;
}

forming::Member formation_member(const roster::Member& member, const roster::Roster& roster, const site::Node* node, const formation::RoleGraph& roles) {
    forming::Member made{.id = member.node().text(), .name = member.bearer.name, .role = root_role, .lineage = {root_role}, .is_voter = roster.seats.contains(member.node()), .addresses = addresses_of(member, node), .all_addresses = all_addresses_of(member, node)};
    for (const auto& role : member.bearer.roles) add_role(made, role, roles);
    return made;
}

// 1 to 255. Two sites on one wire that plan none should not take one another's.
unsigned router_id_of(const site::Site& plan) {
    if (plan.vip.router_id) return *plan.vip.router_id;
    const Digest digest = sha256(plan.id ? plan.id->text() : plan.name);
    return 1 + std::to_integer<unsigned>(digest.bytes().front()) % 255;
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
    for (const auto& address : plan.vip.addresses) site.vips.push_back(address.text());
    site.router_id = router_id_of(plan);
    for (const auto& [service, is_wanted] : plan.services)
        if (!is_wanted) site.without.insert(service);
    auto members = roster.members();
    // Whoever is not listed comes behind, by name.
    std::ranges::stable_sort(members, {}, [&](const roster::Member* member) { return std::ranges::find(plan.nodes, member->bearer.name, &site::Node::name) - plan.nodes.begin(); });
    for (const auto* member : members) site.members.push_back(formation_member(*member, roster, planned(plan, member->bearer.name), roles));
    return site;
}

} // namespace ashlar::site_member

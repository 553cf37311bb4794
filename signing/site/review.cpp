#include <site/review.hpp>

#include <base/text.hpp>
#include <signing/node_id.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

using Warnings = std::vector<Warning>;

constexpr unsigned ordinary_guest_mtu = 1500;

void review_disks(const Site& site, Warnings& warnings) {
    if (!site.recovery_key) warnings.push_back({"there is no recovery key: disks are not encrypted, and whoever takes one has what is on it", "write recovery_key and leave out encryption = \"off\""});
    if (site.disk.wipe == Wipe::always) warnings.push_back({"a disk that [install.disk] matches is wiped whatever is on it", "say wipe = \"if-ours\" or \"if-blank\" once the nodes are installed"});
    for (const auto& [name, rules] : site.data_disks)
        if (std::ranges::any_of(rules, [](const DataDisks& disks) { return disks.rule.wipe == Wipe::always; }))
            warnings.push_back({fmt::format("disks of set '{}' are wiped whatever is on them", name), "say wipe = \"if-ours\" or \"if-blank\" once the nodes are installed"});
}

void review_access(const Site& site, Warnings& warnings) {
    const Access& access = site.access;
    if (access.ssh_keys.empty() && access.ssh_ca.empty() && access.break_glass.empty()) warnings.push_back({"nobody can log in to a node", "write [access] with ssh_ca, ssh_keys or break_glass"});
    if (!site.genesis) return;
    for (const Operator& one : access.operators)
        if (one.key.scheme() != site_scheme)
            warnings.push_back({fmt::format("the key of operator '{}' is not on P-256: the site gives no certificate for it, and the operator can order nothing", one.name),
                                "write that of a key which `openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256` makes"});
    const auto admins = std::ranges::count_if(access.operators, [](const Operator& one) { return one.has(OperatorRole::admin); });
    if (access.operators.empty()) warnings.push_back({"there is no operator: nobody can approve, replace, back up or restore", "write [[access.operator]] with name, roles and key"});
    else if (admins < 2) warnings.push_back({fmt::format("{} operator is an admin, and recovery and wiping want two people", admins == 0 ? "no" : "one"), "give the role admin to two"});
}

void review_founding(const Site& site, Day today, Warnings& warnings) {
    if (!site.genesis) {
        if (site.nodes.size() > 1) warnings.push_back({"there is no [genesis]: these nodes stay by themselves", "write [genesis] with voters = 3"});
        return;
    }
    if (site.genesis->voters == 1) warnings.push_back({"there is one voter: when it is lost, so is the site", "say voters = 3"});
    if (site.genesis->mode == Founding::anonymous) warnings.push_back({fmt::format("nodes are not listed: where {} and more are cut in two at first power-on, each part may begin a site", 2 * site.genesis->expect), "list the voters, and say mode = \"listed\""});
    if (site.genesis->mode == Founding::seed) warnings.push_back({"one node begins the site alone: switched on twice, with another key on its disk, it begins two", "list the voters, and say mode = \"listed\""});
    if (site.time_servers.empty()) warnings.push_back({"there are no time servers: nodes agree on a time that may be wrong", "write [time] with servers"});
    if (!site.trust.enrol_until) warnings.push_back({"media with the site key enrol nodes for ever", "write enrol_until in [trust]; tickets are for later nodes"});
    else if (*site.trust.enrol_until < today) warnings.push_back({fmt::format("the site key has enrolled nobody since {}", to_text(*site.trust.enrol_until)), "write a later enrol_until in [trust], or make tickets"});
}

bool is_used(const Site& site, const Link& link) {
    return std::ranges::any_of(site.planes, [&](const auto& plane) { return plane.second.link == link.name; });
}

void review_tunnel(const Site& site, Warnings& warnings) {
    const auto tunnel = site.planes.contains(Plane::tunnel) ? site.planes.find(Plane::tunnel) : site.planes.find(Plane::management);
    if (!site.genesis || tunnel == site.planes.end() || tunnel->second.mtu >= ordinary_guest_mtu + tunnel_overhead) return;
    warnings.push_back({fmt::format("guests' packets are carried in plane '{}' with an MTU of {}: they have {} left", name_of(tunnel->first), tunnel->second.mtu, tunnel->second.mtu - tunnel_overhead),
                        fmt::format("give it and its link {} or more, if its switches carry that", ordinary_guest_mtu + tunnel_overhead)});
}

// Nodes of one subnet in a plane that the others reach through a router only.
void review_routing(const Site& site, Warnings& warnings) {
    const auto management = site.planes.find(Plane::management);
    if (management == site.planes.end() || !site.genesis) return;
    if (management->second.addressing == Addressing::automatic) warnings.push_back({"addresses of plane 'management' come from the network: when one changes, its node is lost to the site", "give fixed ones"});
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        const auto& subnets = management->second.subnets;
        const auto count = std::ranges::count_if(subnets, [&](const Subnet& subnet) { return subnet.family() == family; });
        if (count < 2) continue;
        // Voters must hear each other before anybody can tell them where the others are.
        for (const Node& node : site.nodes) {
            const auto found = node.addresses.find(Plane::management);
            if (site.seeds.empty() || !node.voter || found == node.addresses.end()) continue;
            if (std::ranges::none_of(found->second, [&](const Address& address) { return std::ranges::find(site.seeds, address) != site.seeds.end(); }))
                warnings.push_back({fmt::format("voter '{}' is no seed: voters in other {} subnets do not hear it", node.name, name_of(family)), "write the addresses of all voters into seeds"});
        }
        if (site.seeds.empty()) warnings.push_back({fmt::format("plane 'management' has {} {} subnets, and beacons do not pass routers", count, name_of(family)), "write [discovery] with the voters' addresses as seeds"});
    }
}

void review_families(const Site& site, Warnings& warnings) {
    for (const auto& [plane, network] : site.planes)
        for (const Family family : {Family::ipv4, Family::ipv6}) {
            const auto has = [&, plane = plane](const Node& node) {
                const auto found = node.addresses.find(plane);
                return found != node.addresses.end() && std::ranges::any_of(found->second, [&](const Address& address) { return address.family() == family; });
            };
            const auto present = [plane = plane](const Node& node) { return node.addresses.contains(plane); };
            const auto with = std::ranges::count_if(site.nodes, has), on = std::ranges::count_if(site.nodes, present);
            if (with > 0 && with < on) warnings.push_back({fmt::format("{} of {} nodes in plane '{}' have an {} address", with, on, name_of(plane), name_of(family)), "give all of them one, or none"});
        }
}

} // namespace

std::vector<Warning> review(const Site& site, Day today) {
    Warnings warnings;
    review_disks(site, warnings);
    review_access(site, warnings);
    review_founding(site, today, warnings);
    for (const Link& link : site.links)
        if (!is_used(site, link)) warnings.push_back({fmt::format("no plane lies on link '{}'", link.name), "write link in a plane, or leave the link out"});
    review_tunnel(site, warnings);
    review_routing(site, warnings);
    review_families(site, warnings);
    return warnings;
}

} // namespace ashlar::site

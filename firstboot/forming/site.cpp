#include <forming/site.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::forming {

std::optional<std::string> Member::address() const {
    const auto found = addresses.find("management");
    return found == addresses.end() ? std::nullopt : std::optional(found->second);
}

const Member* Site::member(std::string_view member_id) const {
    const auto found = std::ranges::find(members, member_id, &Member::id);
    return found == members.end() ? nullptr : &*found;
}

namespace {

bool is_among(const formation::Placement& placement, const Member& member) { return placement.among == formation::Placement::Among::nodes || member.is_voter; }

bool has_role(const formation::Placement& placement, const Member& member) {
    return std::ranges::any_of(placement.roles, [&](const formation::Text& role) { return std::ranges::find(member.lineage, role.value) != member.lineage.end(); });
}

} // namespace

std::vector<const Member*> placed(const Formation& formation, const Site& site) {
    std::vector<const Member*> members;
    if (site.without.contains(formation.name)) return members;
    for (const auto& member : site.members)
        if (is_among(formation.placement, member) && has_role(formation.placement, member)) members.push_back(&member);
    if (formation.placement.count && members.size() > *formation.placement.count) members.resize(*formation.placement.count);
    return members;
}

bool is_placed(const Formation& formation, const Site& site, std::string_view id) {
    return std::ranges::any_of(placed(formation, site), [&](const Member* member) { return member->id == id; });
}

std::vector<std::string> ports_of(const formation::Formations& all, const Site& site, std::string_view id) {
    std::set<std::string> ports;
    for (const auto& [name, formation] : all)
        if (!formation.ports.empty() && is_placed(formation, site, id))
            for (const auto& port : formation.ports) ports.insert(fmt::format("{} {} {} {}", port.plane, port.protocol, port.numbers(), port.open_to));
    return {ports.begin(), ports.end()};
}

std::set<std::string> certified_addresses(const Formation& formation, const Site& site, std::string_view id) {
    const Member* const member = site.member(id);
    if (!member) return {};
    std::set<std::string> addresses = member->all_addresses;
    if (formation.certificate && formation.certificate->is_for_vip) addresses.insert(site.vips.begin(), site.vips.end());
    return addresses;
}

bool may_be_placed(const Formation& formation, const Member& member) {
    return !member.unknown_roles.empty() && is_among(formation.placement, member) && !has_role(formation.placement, member);
}

} // namespace ashlar::forming

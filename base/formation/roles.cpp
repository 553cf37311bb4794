#include <formation/roles.hpp>

#include <base/error.hpp>
#include <base/json.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::formation {

RoleGraph::RoleGraph(Parents parents) : parents_(std::move(parents)) {
    for (const auto& [role, extended] : parents_) {
        std::set<std::string> under_way;
        std::vector<std::string> lineage;
        gather(role, under_way, lineage);
    }
}

void RoleGraph::gather(const std::string& role, std::set<std::string>& under_way, std::vector<std::string>& lineage) const {
    if (std::ranges::find(lineage, role) != lineage.end()) return;
    if (!under_way.insert(role).second) throw Error(fmt::format("cannot tell what the role '{}' extends: it extends itself", role));
    const auto found = parents_.find(role);
    if (found == parents_.end()) throw Error(fmt::format("cannot tell what is extended: there is no role '{}'", role));
    for (const auto& parent : found->second) gather(parent, under_way, lineage);
    under_way.erase(role);
    lineage.push_back(role);
}

std::vector<std::string> RoleGraph::lineage(std::string_view role) const {
    std::set<std::string> under_way;
    std::vector<std::string> lineage;
    if (knows(role)) gather(std::string(role), under_way, lineage);
    return lineage;
}

bool RoleGraph::extends(std::string_view role, std::string_view other) const {
    const auto all = lineage(role);
    return role != other && std::ranges::find(all, other) != all.end();
}

std::vector<std::string> RoleGraph::names() const {
    std::vector<std::string> names;
    for (const auto& [role, extended] : parents_) names.push_back(role);
    return names;
}

std::string text_of(const ImageRoles& roles) { return pretty(Json{{"format", 1}, {"role", roles.role}, {"extends", roles.graph.parents()}}); }

ImageRoles read_roles(std::string_view text, std::string_view shown) {
    const Json json = parse_strict_json(text, shown);
    const auto refused = [&](std::string_view why) { return Error(fmt::format("cannot read '{}': {}", shown, why), "it is of another release than this program: both come with the image"); };
    try {
        if (json.size() != 3 || json.at("format") != 1) throw refused("it is not of format 1");
        ImageRoles roles{json.at("role").get<std::string>(), RoleGraph(json.at("extends").get<RoleGraph::Parents>())};
        if (!roles.graph.knows(roles.role)) throw refused(fmt::format("it does not say what '{}' extends", roles.role));
        return roles;
    } catch (const Json::exception& error) {
        throw refused(error.what());
    }
}

} // namespace ashlar::formation

#include "names.hpp"

#include <base/text.hpp>

#include <fmt/format.h>

namespace ashlar::certificates {

namespace {

struct Writer {
    SiteId site;

    Names operator()(const NodeBearer& node) const {
        return {.organisation = site.text(), .common_name = node.name, .units = node.roles, .uri = fmt::format("{}/{}", uri_of(site), node.node.text()), .hosts = {node.name}, .addresses = node.addresses};
    }
    Names operator()(const ServiceBearer& service) const {
        return {.organisation = site.text(), .common_name = service.service, .units = {}, .uri = fmt::format("{}/{}/{}", uri_of(site), service.node.text(), service.service),
                .hosts = {fmt::format("{}.ashlar", service.service)}, .addresses = service.addresses};
    }
    Names operator()(const OperatorBearer& person) const {
        Names names{.organisation = site.text(), .common_name = person.name, .units = {}, .uri = fmt::format("{}/operator/{}", uri_of(site), person.name), .hosts = {}, .addresses = {}};
        for (const Right right : person.rights) names.units.emplace(name_of(right));
        return names;
    }
};

std::optional<Bearer> person_from(const Names& names) {
    OperatorBearer person{.name = names.common_name, .rights = {}};
    for (const std::string& unit : names.units) {
        const auto right = right_named(unit);
        if (!right) return std::nullopt;
        person.rights.insert(*right);
    }
    return person;
}

// What the names would be of; whether they are, bearer_of() asks.
std::optional<Bearer> candidate(const Names& names) {
    const auto parts = split(std::string_view(names.uri), '/');
    if (parts.size() == 3 && parts[1] == "operator") return person_from(names);
    const auto node = parts.size() == 2 || parts.size() == 3 ? NodeId::parse(parts[1]) : std::nullopt;
    if (!node) return std::nullopt;
    if (parts.size() == 3) return ServiceBearer{.node = *node, .service = names.common_name, .addresses = names.addresses};
    return NodeBearer{.node = *node, .name = names.common_name, .roles = names.units, .addresses = names.addresses};
}

} // namespace

std::string uri_of(const SiteId& site) { return fmt::format("ashlar:{}", site.text()); }

Names names_of(const Bearer& bearer, const SiteId& site) { return std::visit(Writer{site}, bearer); }

std::optional<Bearer> bearer_of(const Names& names, const SiteId& site) {
    auto bearer = candidate(names);
    if (!bearer || fault_of(*bearer) || names_of(*bearer, site) != names) return std::nullopt;
    return bearer;
}

} // namespace ashlar::certificates

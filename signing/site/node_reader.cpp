#include "node_reader.hpp"

#include "network_reader.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::string_view digest_name = "sha256:";

// What firmware says whose maker wrote no number into it: the same on many machines.
bool is_placeholder(std::string_view serial) {
    static constexpr std::array<std::string_view, 9> known{"to be filled by o.e.m.", "default string", "system serial number", "not specified", "not applicable", "none", "n/a", "unknown", "chassis serial number"};
    std::string lower(serial);
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return std::ranges::find(known, lower) != known.end() || lower.find_first_not_of("0 .-") == lower.npos || lower == "123456789" || lower == "0123456789";
}

bool has_family(const Node& node, Plane plane, Family family) {
    const auto found = node.addresses.find(plane);
    return found != node.addresses.end() && std::ranges::any_of(found->second, [&](const Address& address) { return address.family() == family; });
}

} // namespace

Templates read_templates(toml::Table& table, const std::vector<Link>& links) {
    Templates templates;
    for (const toml::Text& name : table.keys()) {
        toml::Table* entry = table.table(name.value);
        if (!is_name(name.value)) table.problem(name.position, fmt::format("{} is not the name of a template", toml::quote(name.value)), std::string(name_remedy));
        if (!entry) continue;
        templates.emplace(name.value, Template{.roles = names(table.problems(), entry->texts("roles"), "role"), .links = merged(links, read_links(*entry))});
    }
    return templates;
}

void NodeReader::take(const NodeFields& fields) {
    Node node;
    take_name(fields, node);
    take_identity(fields, node);
    take_template(fields, node);
    node.voter = fields.voter && fields.voter->value;
    if (node.voter) voters_.push_back({node.name, fields.voter->position});
    take_addresses(fields, node);
    take_ports(fields, node);
    if (site_.nodes.empty()) first_ = fields.position;
    site_.nodes.push_back(std::move(node));
}

void NodeReader::take_name(const NodeFields& fields, Node& node) {
    if (!fields.name) return;
    node.name = fields.name->value;
    if (!is_label(node.name)) problems_.add(fields.name->position, fmt::format("{} is not the name of a node", toml::quote(node.name)), "write lower-case letters, digits and '-', such as \"n01\"");
    else (void)names_.claim(problems_, "node", node.name, fields.name->position);
}

void NodeReader::take_identity(const NodeFields& fields, Node& node) {
    if (!fields.serial && !fields.mac && !fields.tpm_ek)
        problems_.add(fields.position, fmt::format("nothing says which machine is node '{}'", node.name), "write its serial, a mac, or its tpm_ek");
    if (fields.serial) {
        node.serial = std::string(trim(fields.serial->value));
        if (is_placeholder(node.serial))
            problems_.add(fields.serial->position, fmt::format("{} is what machines say that have no serial number", toml::quote(node.serial)), "write a mac or the tpm_ek instead");
        else (void)machines_.claim(problems_, "serial number", node.serial, fields.serial->position);
    }
    if (fields.mac) {
        node.mac = port_address(problems_, *fields.mac);
        if (node.mac) (void)machines_.claim(problems_, "MAC address", node.mac->text(), fields.mac->position);
    }
    if (fields.tpm_ek) {
        const std::string_view text = fields.tpm_ek->value;
        if (text.starts_with(digest_name)) node.tpm_ek = Digest::from_hex(text.substr(digest_name.size()));
        if (!node.tpm_ek) problems_.add(fields.tpm_ek->position, fmt::format("{} is not the digest of a TPM's endorsement key", toml::quote(text)), "write \"sha256:\" and 64 hexadecimal digits");
        else (void)machines_.claim(problems_, "TPM", fmt::format("{}{}", digest_name, node.tpm_ek->hex()), fields.tpm_ek->position);
    }
}

void NodeReader::take_template(const NodeFields& fields, Node& node) {
    node.links = site_.links;
    node.roles = names(problems_, fields.roles, "role");
    if (!fields.from_template) return;
    const auto found = templates_.find(fields.from_template->value);
    if (found == templates_.end()) {
        std::vector<std::string> known;
        for (const auto& [name, content] : templates_) known.push_back(name);
        return refuse_unknown(problems_, *fields.from_template, "template", std::move(known));
    }
    node.links = found->second.links;
    if (fields.roles.empty()) node.roles = found->second.roles;
}

void NodeReader::take_addresses(const NodeFields& fields, Node& node) {
    for (const auto& [plane, texts] : fields.addresses)
        for (const auto& text : texts) take_address(text, plane, node);
    const auto management = site_.planes.find(Plane::management);
    if (management == site_.planes.end() || management->second.addressing == Addressing::automatic) return;
    const auto given = fields.addresses.find(Plane::management);
    if (given == fields.addresses.end() || given->second.empty())
        problems_.add(fields.position, fmt::format("node '{}' has no address in plane 'management'", node.name), "nodes hear each other there");
}

void NodeReader::take_address(const toml::Text& text, Plane plane, Node& node) {
    const auto address = host_address(problems_, text);
    if (!address) return;
    const auto refuse = [&](std::string message, std::string remedy = {}) { problems_.add(text.position, std::move(message), std::move(remedy)); };
    const auto network = site_.planes.find(plane);
    if (network == site_.planes.end()) return refuse(fmt::format("the site has no plane '{}'", name_of(plane)), fmt::format("write [planes.{}] with its link and subnets", name_of(plane)));
    if (network->second.addressing == Addressing::automatic) return refuse(fmt::format("addresses of plane '{}' come from the network", name_of(plane)), "leave it out, or say addresses = \"static\" in the plane");
    const Subnet* subnet = network->second.subnet_of(*address);
    if (!subnet) return refuse(fmt::format("{} lies in no subnet of plane '{}'", address->text(), name_of(plane)), "look at the address, and at 'subnets' of the plane");
    if (!subnet->has_host(*address)) return refuse(fmt::format("{} is no host's: it is an end of {}", address->text(), subnet->text()));
    if (has_family(node, plane, address->family())) return refuse(fmt::format("node '{}' has an {} address in plane '{}' already", node.name, name_of(address->family()), name_of(plane)), "one of each family");
    if (addresses_.claim(problems_, "address", address->text(), text.position)) node.addresses[plane].push_back(*address);
}

void NodeReader::take_ports(const NodeFields& fields, Node& node) {
    for (const auto& [link, macs] : fields.ports) {
        const auto found = std::ranges::find(node.links, link.value, &Link::name);
        if (found == node.links.end()) {
            std::vector<std::string> known;
            for (const Link& other : node.links) known.push_back(other.name);
            refuse_unknown(problems_, link, "link", std::move(known));
            continue;
        }
        found->ports = {};
        for (const auto& text : macs)
            if (const auto mac = port_address(problems_, text); mac && ports_.claim(problems_, "port", mac->text(), text.position)) found->ports.macs.push_back(mac->text());
        if (macs.empty()) problems_.add(link.position, fmt::format("no port is given for link '{}'", link.value), "write MAC addresses, or leave it out");
        if (found->bond == Bond::none && macs.size() > 1) problems_.add(macs[1].position, fmt::format("link '{}' is no bond, and has one port", link.value), "say bond = \"lacp\" in the link");
    }
}

void NodeReader::finish() {
    const auto management = site_.planes.find(Plane::management);
    if (site_.nodes.empty() || management == site_.planes.end() || management->second.addressing == Addressing::automatic) return;
    const auto common = [&](Family family) { return std::ranges::all_of(site_.nodes, [&](const Node& node) { return !node.addresses.contains(Plane::management) || has_family(node, Plane::management, family); }); };
    if (!common(Family::ipv4) && !common(Family::ipv6))
        problems_.add(first_, "some nodes have only IPv4 in plane 'management', some only IPv6", "they cannot hear each other: give all of them one family");
}

} // namespace ashlar::site

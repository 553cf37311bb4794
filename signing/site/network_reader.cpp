#include "network_reader.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::array<std::string_view, 3> bond_words{"none", "lacp", "active-backup"};
constexpr std::array bonds{Bond::none, Bond::lacp, Bond::active_backup};
constexpr std::array<std::string_view, 2> addressing_words{"static", "automatic"};
constexpr std::array addressings{Addressing::fixed, Addressing::automatic};
constexpr unsigned ordinary_mtu = 1500, most_vlan = 4094, most_ports = 16;

// "10 Gbit/s" in Mbit/s.
std::optional<unsigned> parse_speed(std::string_view text) {
    unsigned speed = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), speed);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (fault != std::errc() || text.size() > 16 || speed == 0 || speed > 999'999) return std::nullopt;
    if (unit == " Mbit/s") return speed;
    return unit == " Gbit/s" ? std::optional(speed * 1000) : std::nullopt;
}

std::vector<std::string> patterns(toml::Table& table, std::string_view key) {
    std::vector<std::string> found;
    for (auto& text : table.texts(key)) {
        if (text.value.empty()) table.problem(text.position, fmt::format("an empty '{}' would match no port", key), "leave it out, or write what must match");
        found.push_back(std::move(text.value));
    }
    return found;
}

// Ports are compared by their addresses in lower case.
std::vector<std::string> mac_patterns(toml::Table& table) {
    std::vector<std::string> found;
    for (const auto& text : table.texts("mac")) {
        std::string pattern = text.value;
        std::ranges::replace(pattern, '-', ':');
        std::ranges::transform(pattern, pattern.begin(), [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
        if (pattern.empty() || pattern.find_first_not_of("0123456789abcdef:*?[]") != pattern.npos)
            table.problem(text.position, fmt::format("{} is not a MAC address or a pattern for one", toml::quote(text.value)), "write it in full, or such as \"3c:ec:ef:*\"");
        found.push_back(std::move(pattern));
    }
    return found;
}

PortRule read_ports(toml::Table& table) {
    PortRule rule{.interfaces = patterns(table, "interface"), .macs = mac_patterns(table), .drivers = patterns(table, "driver")};
    if (const auto text = table.text("min_speed")) {
        const auto speed = parse_speed(text->value);
        if (!speed) table.problem(text->position, fmt::format("{} is not a speed", toml::quote(text->value)), "write a whole number and Mbit/s or Gbit/s, such as \"10 Gbit/s\"");
        rule.min_speed = speed.value_or(0);
    }
    return rule;
}

Link read_link(toml::Table& table) {
    Link link;
    if (const auto name = table.required_text("name")) {
        link.name = name->value;
        if (!is_link_name(name->value))
            table.problem(name->position, fmt::format("{} is not the name of a link", toml::quote(name->value)),
                          "write at most 10 lower-case letters, digits and '-' that begin otherwise than names of ports do, such as \"uplink\" or \"bond0\"");
    }
    if (const auto bond = table.choice("bond", bond_words)) link.bond = bonds[bond->value];
    link.ports = read_ports(table);
    link.mtu = number(table, "mtu", ordinary_mtu, most_mtu).value_or(ordinary_mtu);
    if (const auto least = number(table, "min_ports", 1, most_ports)) {
        link.min_ports = *least;
        if (link.bond == Bond::none) table.problem(table.where("min_ports"), "'min_ports' is about bonds, and this link is none", "leave it out, or say bond = \"lacp\"");
    }
    return link;
}

std::optional<Subnet> read_subnet(toml::Problems& problems, const toml::Text& text) {
    const auto subnet = Subnet::parse(text.value);
    const bool usable = subnet && subnet->length() > 0 && subnet->first().is_host();
    if (usable) return subnet;
    const auto around = Subnet::around(text.value);
    problems.add(text.position, fmt::format("{} is not a subnet", toml::quote(text.value)),
                 around && !subnet ? fmt::format("its network is \"{}\"", around->text()) : "write an address and a length, such as \"10.0.0.0/24\" or \"fd00:1::/64\"");
    return std::nullopt;
}

// One plane after the other, each against those before it.
class PlanesReader {
public:
    PlanesReader(toml::Table& table, const std::vector<std::vector<Link>>& links, Once& addresses)
        : table_(table), links_(links), addresses_(addresses) {}

    Planes read() {
        Planes found;
        for (const Plane plane : planes)
            if (toml::Table* table = table_.table(name_of(plane))) found.emplace(plane, read_plane(*table));
        if (!found.empty() && !found.contains(Plane::management))
            table_.problem(table_.position(), "there are planes, and none is 'management'", "write [planes.management]: nodes hear each other there");
        return found;
    }

private:
    PlaneNetwork read_plane(toml::Table& table) {
        PlaneNetwork plane;
        if (const auto vlan = number(table, "vlan", 1, most_vlan)) plane.vlan = static_cast<std::uint16_t>(*vlan);
        read_link_name(table, plane);
        read_mtu(table, plane);
        if (const auto way = table.choice("addresses", addressing_words)) plane.addressing = addressings[way->value];
        read_subnets(table, plane);
        read_gateways(table, plane);
        read_routes(table, plane);
        for (const auto& text : table.texts("dns"))
            if (const auto address = host_address(table.problems(), text)) plane.dns.push_back(*address);
        for (const auto& text : table.texts("domains"))
            if (is_domain(text.value)) plane.domains.push_back(text.value);
            else table.problem(text.position, fmt::format("{} is not a domain", toml::quote(text.value)), "write it in lower case, without a dot at its end");
        if (plane.addressing == Addressing::automatic) refuse_fixed(table);
        return plane;
    }

    void read_link_name(toml::Table& table, PlaneNetwork& plane) {
        const auto link = table.required_text("link");
        if (!link) return;
        plane.link = link->value;
        if (candidates(plane.link).empty()) return refuse_unknown(table.problems(), *link, "link", known_links());
        if (plane.vlan) (void)interfaces_.claim(table.problems(), "VLAN", plane.vlan_interface(), table.where("vlan"));
        else (void)interfaces_.claim(table.problems(), "untagged plane of link", plane.link, link->position);
    }

    void read_mtu(toml::Table& table, PlaneNetwork& plane) {
        const auto mtu = number(table, "mtu", least_mtu, most_mtu);
        const auto carriers = candidates(plane.link);
        plane.mtu = mtu ? *mtu : plane.vlan || carriers.empty() ? ordinary_mtu : carriers.front()->mtu;
        for (const Link* link : carriers) {
            if (plane.mtu > link->mtu)
                table.problem(table.where("mtu"), fmt::format("an MTU of {} is more than the {} of its link '{}'", plane.mtu, link->mtu, link->name),
                              fmt::format("say mtu = {} in [[link]] as well, if its switches carry that", plane.mtu));
            else if (mtu && !plane.vlan && plane.mtu != link->mtu)
                table.problem(table.where("mtu"), fmt::format("an untagged plane has the MTU of its link '{}', which is {}", link->name, link->mtu), "leave it out");
        }
    }

    void read_subnets(toml::Table& table, PlaneNetwork& plane) {
        for (const auto& text : table.texts("subnets")) {
            const auto subnet = read_subnet(table.problems(), text);
            if (!subnet) continue;
            for (const auto& [other, position] : subnets_)
                if (subnet->overlaps(other))
                    table.problems().add({text.position, fmt::format("subnet {} overlaps {}", subnet->text(), other.text()), {}, {{position, "given here"}}});
            subnets_.emplace_back(*subnet, text.position);
            plane.subnets.push_back(*subnet);
        }
    }

    void read_gateways(toml::Table& table, PlaneNetwork& plane) {
        Once subnets;
        for (const auto& text : table.texts("gateways")) {
            const auto gateway = host_address(table.problems(), text);
            if (!gateway || !lies_inside(table, plane, text, *gateway)) continue;
            (void)subnets.claim(table.problems(), "gateway of", plane.subnet_of(*gateway)->text(), text.position);
            (void)addresses_.claim(table.problems(), "address", gateway->text(), text.position);
            claim_default(table, gateway->family(), text.position);
            plane.gateways.push_back(*gateway);
        }
    }

    // A node has one way to the rest of the world, whichever planes it is on.
    void claim_default(toml::Table& table, Family family, const toml::Position& position) {
        const auto [first, fresh] = defaults_.try_emplace(family, &table, position);
        if (!fresh && first->second.first != &table)
            table.problems().add({position, fmt::format("another plane has {} gateways already", name_of(family)), "write what is behind this one as routes", {{first->second.second, "given here"}}});
    }

    void read_routes(toml::Table& table, PlaneNetwork& plane) {
        for (toml::Table* entry : table.tables("routes")) {
            const auto to = entry->required_text("to"), via = entry->required_text("via");
            const auto subnet = to ? read_subnet(table.problems(), *to) : std::nullopt;
            const auto router = via ? host_address(table.problems(), *via) : std::nullopt;
            if (!subnet || !router || !lies_inside(table, plane, *via, *router)) continue;
            if (subnet->family() != router->family()) table.problem(via->position, fmt::format("{} is not reached by {}", subnet->text(), router->text()), "both are of one family");
            else plane.routes.push_back({*subnet, *router});
        }
    }

    bool lies_inside(toml::Table& table, const PlaneNetwork& plane, const toml::Text& text, const Address& address) {
        const Subnet* subnet = plane.subnet_of(address);
        if (subnet && subnet->has_host(address)) return true;
        table.problem(text.position, fmt::format("{} is no host of a subnet of this plane", address.text()), "a router must be in reach without another one");
        return false;
    }

    static void refuse_fixed(toml::Table& table) {
        for (const char* key : {"subnets", "gateways", "routes"})
            if (table.has(key)) table.problem(table.where(key), fmt::format("'{}' is about fixed addresses, and this plane's come from the network", key), "leave it out, or say addresses = \"static\"");
    }

    [[nodiscard]] std::vector<const Link*> candidates(std::string_view name) const {
        std::vector<const Link*> found;
        for (const auto& set : links_)
            if (const Link* link = link_named(set, name); link && std::ranges::none_of(found, [&](const Link* other) { return *other == *link; })) found.push_back(link);
        return found;
    }

    [[nodiscard]] std::vector<std::string> known_links() const {
        std::vector<std::string> names;
        for (const auto& set : links_)
            for (const Link& link : set)
                if (std::ranges::find(names, link.name) == names.end()) names.push_back(link.name);
        return names;
    }

    toml::Table& table_;
    const std::vector<std::vector<Link>>& links_;
    Once& addresses_;
    Once interfaces_;
    std::vector<std::pair<Subnet, toml::Position>> subnets_;
    std::map<Family, std::pair<const toml::Table*, toml::Position>> defaults_;
};

} // namespace

std::vector<Link> read_links(toml::Table& owner) {
    std::vector<Link> links;
    Once once;
    for (toml::Table* table : owner.tables("link")) {
        links.push_back(read_link(*table));
        if (!links.back().name.empty()) (void)once.claim(table->problems(), "link", links.back().name, table->where("name"));
    }
    return links;
}

std::vector<Link> merged(std::vector<Link> links, const std::vector<Link>& with) {
    for (const Link& link : with) {
        const auto same = std::ranges::find(links, link.name, &Link::name);
        if (same == links.end()) links.push_back(link);
        else *same = link;
    }
    return links;
}

const Link* link_named(const std::vector<Link>& links, std::string_view name) {
    const auto found = std::ranges::find(links, name, &Link::name);
    return found == links.end() ? nullptr : &*found;
}

Planes read_planes(toml::Table& table, const std::vector<std::vector<Link>>& links, Once& addresses) {
    return PlanesReader(table, links, addresses).read();
}

} // namespace ashlar::site

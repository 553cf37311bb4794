#include <site/networkd.hpp>

#include "cabling.hpp"

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::site {

namespace {

constexpr std::string_view heading = "# From site.toml. Written anew at each start.\n";

// What a plane is to this node.
struct Presence {
    Plane plane;
    const PlaneNetwork* network;
    std::vector<Address> addresses;
    // The node cannot do without it.
    [[nodiscard]] bool needed() const { return !addresses.empty() || (plane == Plane::management && network->addressing == Addressing::automatic); }
};

std::vector<Presence> presences(const Site& site, const Node* node) {
    std::vector<Presence> found;
    for (const auto& [plane, network] : site.planes) {
        Presence& presence = found.emplace_back(Presence{plane, &network, {}});
        if (!node) continue;
        if (const auto addresses = node->addresses.find(plane); addresses != node->addresses.end()) presence.addresses = addresses->second;
    }
    return found;
}

class Renderer {
public:
    Renderer(std::vector<Presence> planes, const Cabling& cabling) : planes_(std::move(planes)), cabling_(cabling) {}

    NetworkFiles files(const std::vector<Link>& links) {
        for (const Link& link : links)
            if (const auto ports = cabling_.ports.find(link.name); ports != cabling_.ports.end()) render(link, ports->second);
        // Behind all others: a port that nobody has named gets no address and no route, but beacons are heard on it.
        put("60-unnamed.network", "[Match]\nType=ether\nKind=!*\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=ipv6\n");
        return std::move(files_);
    }

private:
    void put(std::string name, std::string_view text) { files_.emplace(std::move(name), fmt::format("{}\n{}", heading, text)); }

    void render(const Link& link, const std::vector<const Port*>& ports) {
        if (link.bond != Bond::none) render_bond(link, ports);
        const Presence* untagged = nullptr;
        std::string vlans;
        for (const Presence& presence : planes_) {
            if (presence.network->link != link.name) continue;
            if (!presence.network->vlan) {
                untagged = &presence;
                continue;
            }
            vlans += fmt::format("VLAN={}\n", presence.network->vlan_interface());
            render_vlan(presence);
        }
        const std::string match = link.bond == Bond::none ? match_of(*ports.front()) : fmt::format("[Match]\nName={}\n", link.name);
        put(fmt::format("30-{}.network", link.name), fmt::format("{}\n{}", match, interface(link.mtu, untagged, vlans)));
    }

    // An address that was burnt in says which port it is whatever it is called; of two ports in a bond nothing else does.
    static std::string match_of(const Port& port) {
        return port.permanent ? fmt::format("[Match]\nPermanentMACAddress={}\n", port.mac.text()) : fmt::format("[Match]\nName={}\n", port.name);
    }

    void render_bond(const Link& link, const std::vector<const Port*>& ports) {
        std::string text = fmt::format("[NetDev]\nName={}\nKind=bond\nMTUBytes={}\n\n[Bond]\n", link.name, link.mtu);
        if (link.bond == Bond::lacp)
            text += "Mode=802.3ad\nLACPTransmitRate=fast\nTransmitHashPolicy=layer3+4\nAdSelect=bandwidth\n";
        else
            text += "Mode=active-backup\nPrimaryReselectPolicy=failure\n";
        put(fmt::format("10-{}.netdev", link.name), text + fmt::format("MIIMonitorSec=100ms\nMinLinks={}\n", link.min_ports));
        for (const Port* port : ports)
            put(fmt::format("20-{}-{}.network", link.name, port->name), fmt::format("{}\n[Link]\nMTUBytes={}\n\n[Network]\nBond={}\n", match_of(*port), link.mtu, link.name));
    }

    void render_vlan(const Presence& presence) {
        const std::string name = presence.network->vlan_interface();
        put(fmt::format("10-{}.netdev", name), fmt::format("[NetDev]\nName={}\nKind=vlan\nMTUBytes={}\n\n[VLAN]\nId={}\n", name, presence.network->mtu, *presence.network->vlan));
        put(fmt::format("30-{}.network", name), fmt::format("[Match]\nName={}\nType=vlan\n\n{}", name, interface(presence.network->mtu, &presence, {})));
    }

    // `presence`: the plane that lies on the interface; null when it only carries VLANs.
    static std::string interface(unsigned mtu, const Presence* presence, std::string_view vlans) {
        const bool automatic = presence && presence->network->addressing == Addressing::automatic;
        const bool fixed = presence && !presence->addresses.empty();
        std::string text = fmt::format("[Link]\nMTUBytes={}\n", mtu);
        if (!fixed && !automatic) text += "RequiredForOnline=no\n";
        text += "\n[Network]\n";
        text += vlans;
        text += automatic ? "DHCP=yes\nIPv6AcceptRA=yes\n" : "DHCP=no\nIPv6AcceptRA=no\n";
        // Beacons are heard before there is an address; guests' networks hear nothing of the node.
        text += presence && presence->plane != Plane::provider ? "LinkLocalAddressing=ipv6\n" : "LinkLocalAddressing=no\n";
        // A switch that starts again must not take addresses from programs that listen on them.
        if (fixed) text += "ConfigureWithoutCarrier=yes\n";
        if (presence && (fixed || automatic)) text += names(*presence->network);
        if (fixed) text += addresses(*presence);
        return text;
    }

    static std::string names(const PlaneNetwork& network) {
        std::string text;
        for (const Address& server : network.dns) text += fmt::format("DNS={}\n", server.text());
        if (!network.domains.empty()) text += fmt::format("Domains={}\n", join(network.domains, " "));
        return text;
    }

    static std::string addresses(const Presence& presence) {
        std::string text;
        for (const Address& address : presence.addresses) {
            const Subnet& subnet = *presence.network->subnet_of(address);
            text += fmt::format("\n[Address]\nAddress={}/{}\n", address.text(), subnet.length());
            for (const Address& gateway : presence.network->gateways)
                if (subnet.contains(gateway)) text += fmt::format("\n[Route]\nGateway={}\nPreferredSource={}\n", gateway.text(), address.text());
            for (const Route& route : presence.network->routes)
                if (subnet.contains(route.via)) text += fmt::format("\n[Route]\nDestination={}\nGateway={}\nPreferredSource={}\n", route.to.text(), route.via.text(), address.text());
        }
        return text;
    }

    std::vector<Presence> planes_;
    const Cabling& cabling_;
    NetworkFiles files_;
};

} // namespace

std::variant<NetworkFiles, Miswired> network_files(const Site& site, const Node* node, const std::vector<Port>& ports) {
    if (site.planes.empty()) return NetworkFiles{};
    const auto present = presences(site, node);
    const auto& links = node ? node->links : site.links;
    const Cabling cabling = cable(links, ports, [&](const Link& link) {
        return std::ranges::any_of(present, [&](const Presence& presence) { return presence.needed() && presence.network->link == link.name; });
    });
    std::vector<std::string> faults = cabling.faults;
    for (const Presence& presence : present)
        if (presence.needed() && std::ranges::none_of(links, [&](const Link& link) { return link.name == presence.network->link; }))
            faults.push_back(fmt::format("this node has no link '{}', on which plane '{}' lies", presence.network->link, name_of(presence.plane)));
    if (!faults.empty()) return Miswired{std::move(faults)};
    return Renderer(present, cabling).files(links);
}

} // namespace ashlar::site

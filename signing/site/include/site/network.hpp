#pragma once

// A site's network as site.toml says it: links, which are made of ports, and planes, which lie on links. docs/formats/site.md.

#include <site/address.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::site {

// What traffic is for. A plane that a site does not have is its management plane.
enum class Plane {
    management, // the nodes among themselves, operators
    storage,    // replication and clients of storage
    tunnel,     // what the overlay networks of guests are carried in
    provider,   // the outside world of guests; nodes rarely have addresses in it
};
inline constexpr std::array planes{Plane::management, Plane::storage, Plane::tunnel, Plane::provider};
[[nodiscard]] std::string_view name_of(Plane plane); // "management"
[[nodiscard]] std::optional<Plane> plane_named(std::string_view name);

// Which ports of a machine a link is made of: all that is given must match, one pattern of each.
struct PortRule {
    std::vector<std::string> interfaces; // patterns of fnmatch(3) for the names that udev gives: "enp*s0f0np0"
    std::vector<std::string> macs;       // patterns for the address in lower case: "3c:ec:ef:*"
    std::vector<std::string> drivers;    // patterns: "mlx5_core"
    unsigned min_speed = 0;              // Mbit/s that the port can do, whatever it does now
    bool operator==(const PortRule&) const = default;
};

enum class Bond {
    none,          // one port
    lacp,          // IEEE 802.1AX; one port carries everything while the switch does not speak it
    active_backup, // one port at a time
};

struct Link {
    std::string name; // "uplink": of the bond's interface, and in front of the VLANs' numbers
    Bond bond = Bond::none;
    PortRule ports;
    unsigned mtu = 1500;
    unsigned min_ports = 1; // of a bond: with fewer it has no carrier
    bool operator==(const Link&) const = default;
};

struct Route {
    Subnet to;
    Address via;
    bool operator==(const Route&) const = default;
};

enum class Addressing {
    fixed,     // each node has the addresses that its entry gives
    automatic, // DHCP and router advertisements
};

// A subnet's gateways and routes are those of the nodes that have an address in it: racks that are routed have each a
// subnet.
struct PlaneNetwork {
    std::string link;
    std::optional<std::uint16_t> vlan; // none: untagged
    unsigned mtu = 1500;
    Addressing addressing = Addressing::fixed;
    std::vector<Subnet> subnets; // none: nodes have no address in it
    std::vector<Address> gateways; // each in one of the subnets; at most one in each
    std::vector<Route> routes;     // via one of the subnets
    std::vector<Address> dns;
    std::vector<std::string> domains;

    // Null when it lies in none.
    [[nodiscard]] const Subnet* subnet_of(const Address& address) const;
    // Of the interface that carries the plane: "uplink.10"; empty when the plane is untagged, and on its link itself.
    [[nodiscard]] std::string vlan_interface() const;
};
using Planes = std::map<Plane, PlaneNetwork>;

inline constexpr unsigned least_mtu = 1280, most_mtu = 9216; // RFC 8200, 5; what switches carry
inline constexpr unsigned tunnel_overhead = 58;              // Geneve over IPv4 with OVN's options; 20 more over IPv6

} // namespace ashlar::site

#pragma once

// The datagram by which the nodes of a site find each other: docs/formats/beacon.md. One size, one layout, one code under the
// site's key, so that whatever else is on the network is dropped before anybody looks at it.
//
// A beacon is a hint. Nothing is decided by one: who speaks, and that it is now, is proved over the site port.

#include <base/id.hpp>
#include <signing/bytes.hpp>
#include <signing/digest.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::beacon {

// How far its sender is. What the words mean is with the phases of <founding/phase.hpp>.
enum class Standing : std::uint8_t { hearing = 1, agreeing, founding, joining, member, foreign_data, conflict, identity_conflict };

// One life of a node, from the start of its daemon to the next. The boot counter is kept where it outlives /var and is on the disk
// before the first beacon of that boot; the mark is random, and tells two machines with one key from each other.
struct Life {
    std::uint64_t boot = 0, mark = 0;
    auto operator<=>(const Life&) const = default;
};

// An address in network order; IPv4 as the first four bytes.
struct Address {
    enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 } family = Family::ipv4;
    std::array<std::byte, 16> bytes{};
    auto operator<=>(const Address&) const = default;
};

// The first half of a SHA-256: enough to see that two are not the same.
using Summary = std::array<std::byte, 16>;
[[nodiscard]] Summary summary_of(ByteView bytes);
// What stands for a site's id where everybody can listen.
[[nodiscard]] Summary summary_of(const SiteId& site);

inline constexpr std::size_t most_addresses = 8, longest_name = 63, longest_role = 31;

struct Beacon {
    NodeId node;
    std::array<std::byte, 32> key{}; // SHA-256 of the node's public key; its first half is `node`
    Life life;
    std::uint64_t sequence = 0; // grows with every beacon of one life
    Standing standing = Standing::hearing;
    bool voter = false;              // may take part in the agreement
    std::optional<GenesisId> genesis; // never all zeros
    Summary charter{};               // what its site.toml says about voters
    Summary view{};                  // of the voters that it hears
    std::uint16_t port = 0;          // of the site port, never 0
    std::string name;                // of its entry in site.toml; empty: none
    std::string role;                // of its image
    std::vector<Address> addresses;
    bool operator==(const Beacon&) const = default;
};

inline constexpr std::size_t size = 424;

// The key of beacons, derived from the site's key: HKDF-SHA256, "ashlar beacon 1".
class Key {
public:
    explicit Key(ByteView site_key);
    // What that makes, for whoever has no site key: a ticket carries it.
    [[nodiscard]] static Key derived(ByteView bytes);
    [[nodiscard]] ByteView bytes() const { return bytes_; }

private:
    Key() = default;
    Bytes bytes_;
};

// Throws std::logic_error for what the layout has no room for.
[[nodiscard]] Bytes encode(const Beacon& beacon, const SiteId& site, const Key& key);

enum class Refusal {
    not_a_beacon,  // another size, another first word
    other_version, // of a later format
    other_site,
    wrong_code, // of somebody who has not the site's key
    malformed,  // right code, and yet nothing that a node writes
};
[[nodiscard]] std::string_view name_of(Refusal refusal);

struct Reading {
    std::optional<Beacon> beacon;
    Refusal refusal = Refusal::not_a_beacon; // when there is none
};
// Looks at the contents only when the code is right. One Beacon has one encoding.
[[nodiscard]] Reading decode(ByteView datagram, const SiteId& site, const Key& key);

} // namespace ashlar::beacon

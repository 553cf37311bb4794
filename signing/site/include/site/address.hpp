#pragma once

// Addresses as site.toml writes them: of hosts (RFC 4291 and dotted decimal), of networks, of ports. Values; text() is the
// one canonical form (RFC 5952), parse() takes every form that inet_pton(3) takes.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::site {

enum class Family { ipv4, ipv6 };
[[nodiscard]] std::string_view name_of(Family family); // "IPv4"

class Address {
public:
    // "10.0.0.11", "fd00::b". Nothing for other text, a zone ("%eth0") included.
    [[nodiscard]] static std::optional<Address> parse(std::string_view text);

    [[nodiscard]] Family family() const noexcept { return family_; }
    [[nodiscard]] std::string text() const;
    [[nodiscard]] unsigned bits() const noexcept { return family_ == Family::ipv4 ? 32 : 128; }
    // One host's own, of whatever scope a router passes on: not unspecified, loopback, link-local, multicast, broadcast, or
    // IPv4 in IPv6.
    [[nodiscard]] bool is_host() const noexcept;
    // The first `length` bits, and behind them zeros or ones.
    [[nodiscard]] Address first(unsigned length) const noexcept;
    [[nodiscard]] Address last(unsigned length) const noexcept;

    // In network order; of IPv4 the first four, and zeros.
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

    auto operator<=>(const Address&) const = default;

private:
    Family family_ = Family::ipv4;
    std::array<std::uint8_t, 16> bytes_{};
};

// "10.0.0.0/24".
class Subnet {
public:
    // Nothing for other text, and where a bit behind the length is set: around() tells what may have been meant.
    [[nodiscard]] static std::optional<Subnet> parse(std::string_view text);
    // The network of "10.0.0.11/24".
    [[nodiscard]] static std::optional<Subnet> around(std::string_view text);

    [[nodiscard]] const Address& first() const noexcept { return first_; }
    [[nodiscard]] unsigned length() const noexcept { return length_; }
    [[nodiscard]] Family family() const noexcept { return first_.family(); }
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool contains(const Address& address) const noexcept;
    [[nodiscard]] bool overlaps(const Subnet& other) const noexcept;
    // In it, and neither the network's own address (of IPv6: the routers', RFC 4291, 2.6.1) nor its broadcast. Networks of one
    // and two addresses have only hosts (RFC 3021, RFC 6164).
    [[nodiscard]] bool has_host(const Address& address) const noexcept;

    auto operator<=>(const Subnet&) const = default;

private:
    Subnet(Address first, unsigned length) : first_(first), length_(length) {}
    Address first_;
    unsigned length_;
};

// Of a port: "52:54:00:12:34:56".
struct Mac {
    std::array<std::uint8_t, 6> bytes{};

    // Hexadecimal digits of either case, pairs divided by ':' or by '-'.
    [[nodiscard]] static std::optional<Mac> parse(std::string_view text);
    [[nodiscard]] std::string text() const; // lower case, ':'
    // One port's own: not all zeros, not a group's.
    [[nodiscard]] bool is_port() const noexcept;
    auto operator<=>(const Mac&) const = default;
};

} // namespace ashlar::site

#pragma once

// Where the nodes of a site hear each other: the numbers in one place. docs/formats/site.md, "Ports".

#include <cstdint>

namespace ashlar::site {

inline constexpr std::uint16_t beacon_port = 4747;      // UDP
inline constexpr std::uint16_t site_port = 4747;        // TCP: TLS 1.3, enrolment and genesis
inline constexpr std::uint16_t voters_port = 4748;      // TCP: mutual TLS, what voters answer to everybody else
inline constexpr std::uint16_t etcd_client_port = 12379;
inline constexpr std::uint16_t etcd_peer_port = 12380;

inline constexpr const char* beacon_group_ipv4 = "224.0.0.247"; // link-local: RFC 5771, section 4
inline constexpr const char* beacon_group_ipv6 = "ff02::4747";

} // namespace ashlar::site

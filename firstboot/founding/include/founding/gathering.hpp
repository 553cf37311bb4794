#pragma once

// Whether all are here who must agree, and if not, who is missing and what people can do about it.

#include <founding/charter.hpp>
#include <founding/peers.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ashlar::founding {

// This node, as others hear it.
struct Self {
    NodeId node;
    std::array<std::byte, 32> key{};
    Life life;
    std::string name, role;
    std::uint16_t port = 0;
    std::vector<beacon::Address> addresses;
    bool voter = false; // listed: its name is declared; anonymous: its role may vote; seed: it is the seed
};

struct Gathering {
    std::optional<Electorate> electorate; // when everybody is here
    std::size_t here = 0, wanted = 0;
    std::vector<std::string> missing; // "n03 (serial ABC123), never heard"
    std::string remedy;               // empty when nobody need do anything
};

// Blank voters that are heard, and this node if it is one; sorted.
[[nodiscard]] std::vector<NodeId> voters_here(const Charter& charter, const Self& self, const Peers& peers, Milliseconds now);
[[nodiscard]] Summary summary_of(const std::vector<NodeId>& voters);

[[nodiscard]] Gathering gather(const Charter& charter, const std::optional<Order>& order, const Self& self, const Peers& peers, Milliseconds now);

} // namespace ashlar::founding

#pragma once

// Whom site.toml makes a voter, and whose agreement is enough.

#include <founding/genesis.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ashlar::founding {

enum class Mode {
    listed,    // the voters are declared, each by what its machine is known by
    anonymous, // exactly so many blank nodes that may vote
    seed,      // one node that says it of itself; for trying things out
};

struct Place {
    std::string name;   // "n03"
    std::string sought; // for people: "serial ABC123"
    bool operator==(const Place&) const = default;
};

struct Charter {
    Mode mode = Mode::listed;
    std::vector<Place> places; // listed: 1, 3 or 5
    std::size_t expect = 0;    // anonymous

    [[nodiscard]] bool declares(std::string_view place) const;
    // Two nodes with different ones do not count on the same voters.
    [[nodiscard]] Summary summary() const;
    // The places that must agree: all, or those that the order leaves. A listed charter's only.
    [[nodiscard]] std::vector<std::string> required(const std::optional<Order>& order) const;
    // Whether these places may agree for the site, on that order. Any two sets that may have a place in common.
    [[nodiscard]] bool sufficient(const Electorate& electorate, const std::optional<Order>& order) const;
};

// More than half of the places are left, and all that it names are declared.
[[nodiscard]] bool is_lawful(const Order& order, const Charter& charter);

// Whether the node is one of them.
[[nodiscard]] bool sits_in(const Electorate& electorate, const NodeId& node);

} // namespace ashlar::founding

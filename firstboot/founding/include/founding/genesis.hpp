#pragma once

// What is agreed, by whom, and what a voter must not forget: docs/formats/genesis.md.

#include <beacon/beacon.hpp>

#include <base/id.hpp>
#include <signing/bytes.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::founding {

using beacon::Life;
using beacon::Summary;

// Who sits on a voter's place. Places are what is agreed upon beforehand: the names of the voters in site.toml; where voters have no
// names, the text of the node's id. The node on a place may change (a machine that is flashed again); the place does not.
struct Elector {
    std::string place;
    NodeId node;
    auto operator<=>(const Elector&) const = default;
};
// All who must agree: sorted by place, each place once.
using Electorate = std::vector<Elector>;

// Of what is agreed, only the id and the voters mean something here; whoever made the rest reads it.
struct Genesis {
    GenesisId id;
    Electorate voters;
    Bytes value;
    bool operator==(const Genesis&) const = default;
};

// Numbers a proposal. No two proposals have one: the mark is that of the proposer's life, so that neither a restart nor a machine that
// was flashed again, under the same key, repeats what it numbered before.
struct Ballot {
    std::uint64_t round = 0;
    NodeId proposer;
    std::uint64_t mark = 0;
    auto operator<=>(const Ballot&) const = default;
};

// An acceptance.
struct Vote {
    Ballot ballot;
    Genesis genesis;
    bool operator==(const Vote&) const = default;
};

// A voter's memory of the agreement.
struct Votes {
    std::optional<Ballot> promised;
    std::optional<Vote> accepted;
    bool operator==(const Votes&) const = default;
};

// What an operator decides that the nodes must not decide by themselves. Whoever hands one over has verified that it is signed by an
// operator of this site.
struct Order {
    std::uint64_t number = 0;         // of two orders the one with the higher number holds
    std::vector<std::string> without; // places that nobody waits for; what remains is more than half of all
    std::vector<std::string> despite; // places whose disks carry the site, and that means nothing
    std::string text{};               // as it was signed, for others to verify; nothing here reads it
    bool operator==(const Order&) const = default;
};

// What a node must still know after a power cut. It outlives /var.
struct Journal {
    Votes votes;
    std::optional<Order> order;
    std::optional<GenesisId> told;  // a genesis of this site was heard of: this node never founds another one
    std::optional<Genesis> genesis; // the one that it belongs to, or joins
    bool settled = false;           // its own part is set up
    bool operator==(const Journal&) const = default;
};

} // namespace ashlar::founding

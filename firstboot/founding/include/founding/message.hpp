#pragma once

// What nodes say to each other over the site port about genesis: docs/formats/genesis.md. The channel proves who speaks, and that it is
// now; orders in messages were verified by whoever hands the message over.

#include <founding/genesis.hpp>

#include <optional>
#include <variant>

namespace ashlar::founding {

// "Promise to accept nothing older than this ballot, and say what you have accepted."
struct Prepare {
    Ballot ballot;
    Electorate electorate;
    Summary charter{};
    std::optional<Order> order; // when the electorate is not everybody
    bool operator==(const Prepare&) const = default;
};
struct Promise {
    Ballot ballot;
    std::optional<Vote> accepted;
    Bytes offer; // what a proposer needs of this voter to make a genesis: keys, addresses
    bool operator==(const Promise&) const = default;
};
// "Accept this."
struct Propose {
    Ballot ballot;
    Genesis genesis;
    bool operator==(const Propose&) const = default;
};
struct Accepted {
    Ballot ballot;
    bool operator==(const Accepted&) const = default;
};

enum class Objection {
    older,        // than what was promised
    unpromised,   // to this ballot nothing was promised in this voter's memory
    other_voters, // this node counts on other voters
    no_voter,     // this node is none
    foreign_data, // its disks carry the site
    exists,       // a genesis was heard of
    conflict,     // of identities or of geneses
};
[[nodiscard]] std::string_view name_of(Objection objection); // "other-voters"
struct Refused {
    Ballot ballot;
    Objection objection = Objection::older;
    std::optional<Ballot> promised;
    bool operator==(const Refused&) const = default;
};

// "Who are you now, and do you know the genesis?"
struct Ask {
    bool operator==(const Ask&) const = default;
};
// The answer; and, unasked, what a proposer tells when all have accepted.
struct Known {
    std::optional<Genesis> genesis;
    bool operator==(const Known&) const = default;
};

using Message = std::variant<Prepare, Promise, Propose, Accepted, Refused, Ask, Known>;

} // namespace ashlar::founding

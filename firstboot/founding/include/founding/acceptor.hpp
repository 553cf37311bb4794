#pragma once

// The voter's part of single-decree Paxos (Lamport, "Paxos Made Simple", 2001), with one rule more: it accepts only what it has promised
// to, so that a voter that has forgotten everything does not accept by accident.
//
// What it answers may be said only when the votes that came with it are on the disk.

#include <founding/message.hpp>

#include <variant>

namespace ashlar::founding {

class Acceptor {
public:
    explicit Acceptor(Votes votes) : votes_(std::move(votes)) {}

    // `offer` of the promise is left empty.
    [[nodiscard]] std::variant<Promise, Refused> prepare(const Ballot& ballot);
    [[nodiscard]] std::variant<Accepted, Refused> accept(const Ballot& ballot, const Genesis& genesis);

    [[nodiscard]] const Votes& votes() const { return votes_; }

private:
    Votes votes_;
};

} // namespace ashlar::founding

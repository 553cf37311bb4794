#include <founding/acceptor.hpp>

namespace ashlar::founding {

std::variant<Promise, Refused> Acceptor::prepare(const Ballot& ballot) {
    if (votes_.promised && ballot < *votes_.promised) return Refused{ballot, Objection::older, votes_.promised};
    votes_.promised = ballot;
    return Promise{ballot, votes_.accepted, {}};
}

std::variant<Accepted, Refused> Acceptor::accept(const Ballot& ballot, const Genesis& genesis) {
    if (!votes_.promised || *votes_.promised < ballot) return Refused{ballot, Objection::unpromised, votes_.promised};
    if (ballot < *votes_.promised) return Refused{ballot, Objection::older, votes_.promised};
    votes_.accepted = Vote{ballot, genesis};
    return Accepted{ballot};
}

} // namespace ashlar::founding

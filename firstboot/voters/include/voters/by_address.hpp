#pragma once

// A voter as an operator knows it: by its address. docs/formats/voters-interface.md, "From afar".
//
// Who answers there must have a certificate of a node of the site, by the authority that the operator has, and that address must stand
// in it. That it has a seat no certificate says: the operator does, by asking there.

#include <voters/client.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::voters {

struct Whereabouts {
    std::string address; // in its one usual spelling
    std::uint16_t port = site::voters_port;
    bool operator==(const Whereabouts&) const = default;
};
// "10.0.0.11", "10.0.0.11:4748", "fd00::11", "[fd00::11]:4748". Nothing for anything else: a name proves nothing here.
[[nodiscard]] std::optional<Whereabouts> whereabouts_in(std::string_view text);
[[nodiscard]] std::string text_of(const Whereabouts& where); // "10.0.0.11", "[fd00::11]:4749"

// Those who are there, in that order. An Error when none is, with what is the matter with each.
[[nodiscard]] std::vector<VoterAddress> who_answers(const ClientParts& own, const std::vector<Whereabouts>& where, std::chrono::milliseconds patience = std::chrono::seconds(3));

} // namespace ashlar::voters

#pragma once

// What a node says when it wants to be one of a site, and what the site answers: the messages, and what is proven in them.
// docs/formats/enrolment.md. Pure.
//
// They travel in a channel that both sides have opened with the site key or a ticket's (<channel/channel.hpp>); `exporter` is
// that channel's, under exporter_label.

#include <base/json.hpp>
#include <certificates/authority.hpp>
#include <signing/bytes.hpp>
#include <signing/message_key.hpp>

#include <array>
#include <optional>
#include <string>
#include <variant>

namespace ashlar::enrolment {

inline constexpr std::string_view exporter_label = "ashlar enrolment 1";

using Nonce = std::array<std::byte, 32>; // random

enum class Reason {
    malformed,         // no message, or not in its form
    unproven,          // not signed by the key that it is about, or not for this connection
    other_site,
    closed,            // the time for enrolment without a ticket is over
    bad_ticket,
    unknown,           // the site declares no such node
    no_tpm,            // the site takes nodes with one only
    removed,           // it was a member and is no more
    not_approved,      // an operator said no
    identity_conflict, // a living member has what this one says to have
    bad_certificate,   // the old one, shown for renewal
    untrusted,         // of an answer: not the authority that is known, or not for this node
};
[[nodiscard]] std::string_view name_of(Reason reason); // "identity-conflict"
[[nodiscard]] std::optional<Reason> reason_named(std::string_view name);

struct Refused {
    Reason reason;
    std::string text;
    bool operator==(const Refused&) const = default;
};

// ---- The node's side ---------------------------------------------------------------------------

struct Application {
    SiteId site;
    Json facts = Json::object();      // of this machine: "serial", MACs, addresses; at most 16 KiB
    std::optional<std::string> ticket;
    std::optional<Bytes> certificate; // an old one: DER
};
[[nodiscard]] Json application_message(const Application& application, const SigningKey& key, const Nonce& nonce, ByteView exporter);

// ---- The voters' side --------------------------------------------------------------------------

// An application whose sender holds the key, on this very connection.
struct Applicant {
    VerifyingKey key;
    NodeId node; // from the key
    Application application;
    Digest commitment; // to the node's nonce
};
[[nodiscard]] std::variant<Applicant, Refused> read_application(const Json& message, const SiteId& site, ByteView exporter);

// ---- The short code ----------------------------------------------------------------------------

// What both consoles show, so that a person can compare: "4173 0262". `node` is the node's key. Who stands in the middle has two
// connections with an exporter each, and has one try at 1 in 100,000,000: the node has bound itself to its nonce before it sees
// the voter's.
[[nodiscard]] std::string short_code(ByteView exporter, const VerifyingKey& node, const Digest& authority, const Nonce& of_node, const Nonce& of_voter);
[[nodiscard]] Digest commitment_to(const Nonce& nonce);

} // namespace ashlar::enrolment

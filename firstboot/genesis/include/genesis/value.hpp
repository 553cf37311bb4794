#pragma once

// What the voters of a site agree on, once: who they are, and all that any one of them needs to start the site's authority and
// its etcd. docs/formats/genesis-value.md. Pure but for random numbers: the time is an argument.
//
// To the agreement the value is bytes. The proposer makes them; who accepts them has checked them.

#include <certificates/authority.hpp>
#include <signing/bytes.hpp>
#include <signing/digest.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::genesis {

inline constexpr std::size_t most_value = 65536; // bytes

// A voter as the proposer knows it, from channels on which it has proven its key.
struct Candidate {
    VerifyingKey key;
    std::string name;
    std::set<std::string> roles;
    std::vector<std::string> addresses; // the first one is where its etcd is reached
};

struct Voter {
    NodeId node;
    VerifyingKey key;
    std::string name;
    std::vector<std::string> addresses;
    Bytes sealed_authority;      // the authority's private key, sealed to this voter
    Bytes sealed_etcd_authority; // that of etcd's
    certificates::SiteCertificate certificate;
    bool operator==(const Voter&) const = default;
};

// A site that goes on after the loss of all its voters: docs/formats/site-backup.md.
struct Restores {
    GenesisId genesis; // that it had
    Digest file;       // SHA-256 of the restore file that each voter's medium has
    bool operator==(const Restores&) const = default;
};

struct Value {
    SiteId site;
    GenesisId genesis;
    std::optional<Restores> restores; // none: the site begins
    certificates::SiteCertificate authority;
    certificates::SiteCertificate etcd_authority; // etcd trusts it, and nobody else does
    std::vector<Voter> voters;                    // by node id
    bool operator==(const Value&) const = default;
};

// New authorities, and everything that comes from them. Their keys are in nobody's memory afterwards. An Error for candidates
// that cannot be voters of one site: none or more than 5, two of one key or name or address, one without an address.
[[nodiscard]] Value build(const SiteId& site, const GenesisId& genesis, const std::vector<Candidate>& candidates, Time now);

struct Authorities {
    certificates::Authority site, etcd;
};
// With the authorities that the site had, whose certificates go on to count.
struct Past {
    Authorities authorities;
    Restores restores;
};
[[nodiscard]] Value build_again(const SiteId& site, const GenesisId& genesis, const std::vector<Candidate>& candidates, const Past& past, Time now);
[[nodiscard]] std::string text_of(const Value& value); // canonical JSON

struct Known {
    SiteId site;
    const SigningKey& key; // this node's own
};
struct Refused {
    std::string text;
    bool operator==(const Refused&) const = default;
};
// What an acceptor asks before it accepts, and everyone before it starts anything from it. No clock is asked: they lie at first
// boot.
[[nodiscard]] std::variant<Value, Refused> check(std::string_view text, const Known& known);
// The same, for who is none of its voters: whether the authorities' keys are in it is not known then.
[[nodiscard]] std::variant<Value, Refused> check_from_outside(std::string_view text, const SiteId& site);

// The private keys of both authorities, sealed to one voter.
struct SealedKeys {
    Bytes authority, etcd_authority;
    bool operator==(const SealedKeys&) const = default;
};
// What the value has for this node; nothing: it is none of the first voters.
[[nodiscard]] std::optional<SealedKeys> keys_for(const Value& value, const NodeId& node);
// For a voter that comes later.
[[nodiscard]] SealedKeys seal(const Value& value, const Authorities& authorities, const VerifyingKey& to);
[[nodiscard]] std::variant<Authorities, Refused> open(const Value& value, const SealedKeys& keys, const SigningKey& key);

// By the keys themselves, PKCS #8 in PEM: of a backup.
[[nodiscard]] std::variant<Authorities, Refused> authorities_with(const Value& value, const Secret& authority, const Secret& etcd_authority);

// The value, as it would be with other authorities: what they have signed is in it, and no keys that this node could open. Of a backup, made when
// the site has others than at its genesis.
[[nodiscard]] Value with_authorities(Value value, const Authorities& authorities, Time now);

// Of a first voter.
[[nodiscard]] std::variant<certificates::Authority, Refused> authority_in(const Value& value, const SigningKey& key);
[[nodiscard]] std::variant<certificates::Authority, Refused> etcd_authority_in(const Value& value, const SigningKey& key);

} // namespace ashlar::genesis

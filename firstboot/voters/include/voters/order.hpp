#pragma once

// What operators order by their signatures alone, where no voter is there who could ask them: docs/formats/order.md. Pure.
//
// A node makes one, which knows whom it is about; people read it and sign it, each with their own key of [[access.operator]]; a node
// holds it against the plan that it has, and carries it out.

#include <base/id.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>
#include <site/site.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::voters {

struct NamedNode {
    NodeId node; // which machine of that name: another one under it is another one
    std::string name;
    bool operator==(const NamedNode&) const = default;
};

// Too many voters are lost for good: the survivor goes on alone. Takes two persons.
struct Recovery {
    GenesisId genesis;
    NamedNode survivor;
    std::vector<NamedNode> lost; // all other voters, by name; at least one
    Time made{}, expires{};
    bool operator==(const Recovery&) const = default;
};
inline constexpr std::chrono::hours order_life{24}; // of a recovery; clocks of a site that is not founded yet are not asked

// A site of listed voters begins without some of them, or despite disks that carry the site. docs/formats/genesis.md. Takes one admin.
struct Foundation {
    std::uint64_t number = 0; // of two orders the one with the higher number holds
    std::vector<std::string> without, despite;
    bool operator==(const Foundation&) const = default;
};

struct Order {
    SiteId site;
    std::variant<Recovery, Foundation> what;
    bool operator==(const Order&) const = default;
};

struct SignedOrder {
    struct Signature {
        Digest key; // SHA-256 of it, DER
        Bytes bytes;
        bool operator==(const Signature&) const = default;
    };
    Order order;
    std::vector<Signature> signatures; // one of each key; none yet of an order that was only made
    bool operator==(const SignedOrder&) const = default;
};

// The one text that it has; ends with a line feed.
[[nodiscard]] std::string text_of(const SignedOrder& order);
// An Error for what text_of() does not write. `name`: the file's, for its text.
[[nodiscard]] SignedOrder order_from(std::string_view text, std::string_view name);

// With one signature more. An Error when it has one by that key.
[[nodiscard]] SignedOrder with_signature(SignedOrder order, const MessageSigner& signer);

// Who has signed it, by the plan, in the order of their signatures. An Error when a signature is not right, or by a key that no operator of the plan has.
[[nodiscard]] std::vector<site::Operator> signers_of(const SignedOrder& order, const site::Site& plan);
// Those who order it: two persons for a recovery, an admin for a foundation. An Error when they may not, when it is of another site, or has expired.
[[nodiscard]] std::vector<site::Operator> require_orderers(const SignedOrder& order, const site::Site& plan, Time now);

// "anna and ben"
[[nodiscard]] std::string names_of(const std::vector<site::Operator>& people);

} // namespace ashlar::voters

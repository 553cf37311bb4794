#pragma once

// A voter's words in the agreement: what it offers, what is made of the offers, and what it accepts. docs/formats/genesis-value.md.

#include <founding/genesis.hpp>
#include <genesis/value.hpp>
#include <signing/message_key.hpp>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ashlar::membership {

class Delegate {
public:
    struct Parts {
        SiteId site;
        const SigningKey& key; // the node's own
        std::string name;
        std::set<std::string> roles;
        std::vector<std::string> addresses; // the first is where its etcd is reached
        std::function<Time()> now;
        std::optional<genesis::Past> past; // its medium says to restore the site
    };
    explicit Delegate(Parts parts) : parts_(std::move(parts)) {}

    [[nodiscard]] Bytes offer() const;
    [[nodiscard]] founding::Genesis make(const founding::Electorate& voters, const std::vector<std::pair<NodeId, Bytes>>& offers) const;
    // What speaks against accepting it.
    [[nodiscard]] std::optional<std::string> objection(const founding::Genesis& genesis) const;

    // The same of what others have accepted already, and this one must propose again or nothing: only what its medium speaks against.
    [[nodiscard]] std::optional<std::string> objection_to_repeat(const founding::Genesis& genesis) const;

private:
    [[nodiscard]] std::optional<std::string> objection_to_past(const genesis::Value& value) const;

    const Parts parts_;
};

// An Error for a genesis that this release cannot use.
[[nodiscard]] genesis::Value value_of(const founding::Genesis& genesis, const SiteId& site);
// For whoever has learned it while it was enrolled.
[[nodiscard]] founding::Genesis genesis_of(const genesis::Value& value);

} // namespace ashlar::membership

#pragma once

// A step that must not run on two nodes at once, as a durable key: {owner, boot, plan, revision}. No time to live: who is slow, cut off
// or stopped for an hour still owns what it began. It is freed by its owner, by the owner's own next boot, by an operator, or by
// whoever has proved that the owner does not run any more.

#include <base/id.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ashlar::founding {

struct Claim {
    NodeId owner;
    std::uint64_t boot = 0; // of the owner, when it claimed: what it ran ended with that boot
    std::string plan;       // that the step belongs to
    std::uint64_t attempt = 0; // grows with each claim of one boot, so that a late write of an earlier one is known for what it is
    auto operator<=>(const Claim&) const = default;
};

// A key of the site's store, as it was read; `revision` changes with each write and is never used again.
struct Held {
    Claim claim;
    std::uint64_t revision = 0;
    bool operator==(const Held&) const = default;
};

// What a claimant does next with the store. Each may be lost, and done although its answer was lost.
struct Put { // if the key is as at `revision`; 0: if there is none
    Claim claim;
    std::uint64_t revision = 0;
};
struct Run {};  // the step is this node's: run it, or go on
struct Wait {   // it is another's
    Held held;
    std::chrono::milliseconds unchanged{};
};
using Turn = std::variant<Put, Run, Wait>;

// What is known beyond the key itself.
struct Evidence {
    std::optional<Claim> gone;             // whose owner is proven not to run any more: powered off, or its boot is over
    std::chrono::milliseconds unchanged{}; // since when this node sees the key as it is: for people, and no reason for anything
};

// What to do about a step that `mine` wants, when the store says this in answer to a question that was asked since this attempt began
// (an older answer may speak of what is over). Whoever is done removes the key if it is still at the revision that it ran by.
[[nodiscard]] Turn next_turn(const std::optional<Held>& read, const Claim& mine, const Evidence& evidence = {});

} // namespace ashlar::founding

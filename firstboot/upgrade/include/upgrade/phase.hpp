#pragma once

// The life of a node's releases, as one table: where the node is, what happens, where it is then. Pure.
//
//     resting → checking → clearing → marking → writing → proving → naming → arming → armed
//                                                                              (restart)
//     resting ← blessing ← trying ←───────────────────────────────────────────────┘
//        ↑ (restart)            ↓ not healthy
//     leaving ←────────── returning
//
//     resting → resetting (restart; a factory reset leaves no journal)
//
// Each phase is kept in the state partition before its work begins, and its work may be done again: whoever
// is killed in one goes on in it. docs/formats/upgrade.md.

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace ashlar::upgrade {

enum class Phase {
    resting,   // nothing is under way
    checking,  // is the release what it says, newer, not below the floor, and does it fit?
    clearing,  // the other slot's UKI goes from the boot menu
    marking,   // the other slot's partitions get types that nobody starts
    writing,   // blocks of the root, each checked before it is written
    proving,   // the hash tree is computed here, and the root hash compared
    naming,    // the partitions get the root hash's identifiers
    arming,    // the UKI gets into the boot menu, with attempts: the one point of commitment
    armed,     // the next restart tries the release
    trying,    // it runs, and must prove itself
    blessing,  // it has: nobody counts its attempts any more
    returning, // the release that runs is given up in the boot menu
    leaving,   // the next restart starts the other one
    resetting, // the next restart is a factory reset
};

enum class Event {
    asked,       // to upgrade
    asked_back,  // to go back to the other release
    asked_reset, // to become a new node of the same release
    done,        // the phase's work
    current,     // there is nothing to do: the release runs already
    failed,      // the phase's work, with a reason
    refused,     // the way that the blocks were to come; there is another one
    healthy,     // all gates are passed
    unhealthy,   // a gate failed, or the time for them is over
    // The daemon started, and what runs is
    woke_same,   // the release that runs since before the upgrade
    woke_new,    // the one that is being tried
    woke_fallen, // the release of before, because the new one has no attempts left
    woke_other,  // neither
};

struct Row {
    Phase phase;
    Event event;
    Phase next;
};
[[nodiscard]] std::span<const Row> table();

// Nothing where the table has no row: of what people ask it is an answer, of all else a bug.
[[nodiscard]] std::optional<Phase> next(Phase phase, Event event);

inline constexpr std::array all_phases{Phase::resting, Phase::checking, Phase::clearing, Phase::marking,   Phase::writing,   Phase::proving, Phase::naming,
                                       Phase::arming,  Phase::armed,    Phase::trying,   Phase::blessing, Phase::returning, Phase::leaving,
                                       Phase::resetting};

// Has work of its own, which ends with `done` or `failed`.
[[nodiscard]] bool works(Phase phase);

[[nodiscard]] std::string_view name_of(Phase phase); // "resting"
[[nodiscard]] std::optional<Phase> phase_named(std::string_view name);
[[nodiscard]] std::string_view name_of(Event event); // "asked-back"
// For people: "writing the new root".
[[nodiscard]] std::string_view sentence_of(Phase phase);

} // namespace ashlar::upgrade

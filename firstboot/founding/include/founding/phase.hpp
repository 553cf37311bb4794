#pragma once

// How a node comes to belong to its site, as one table: where it is, what happens, where it is then. Pure.
//
//     hearing → promised → accepted → founding → member      with the other voters, once in the site's life
//        └──────────────────┴──────→ joining  → member       what exists already
//
//     foreign-data        its disks carry the site and it does not know why: waits for a member, or an order
//     identity-conflict   another machine has its key: takes part in nothing while it is heard
//     conflict            there are two geneses of the site: loud, what runs goes on, nothing is merged
//
// docs/formats/genesis.md.

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace ashlar::founding {

enum class Phase {
    hearing,           // blank: listens, and waits for the voters
    promised,          // has promised a proposer to accept from nobody older
    accepted,          // has accepted a genesis, which may or may not be the one
    founding,          // the genesis is known, and this is one of its voters: sets up its part
    joining,           // a genesis exists, and this is none of its voters, or does not know it yet
    member,            // belongs to the site
    foreign_data,      // the node is blank and its disks are not
    identity_conflict, // its key is in another machine too
    conflict,          // another genesis of the same site is heard
};

enum class Happening {
    promised,   // a promise is on the disk
    accepted,   // an acceptance is on the disk
    chosen,     // the genesis is on the disk, and this is one of its voters
    learned,    // the genesis is on the disk, and this is none of its voters
    told,       // somebody says that a genesis exists
    settled,    // the node's own part is set up: etcd runs, or it is enrolled
    ordered,    // an operator says that the marks on the disks mean nothing
    doubled,    // another machine uses this node's id
    rivalled,   // there is a genesis beside the one that is known
    // The daemon started, or a conflict is over, and the journal and the disks say
    woke_blank,
    woke_marked,   // nothing, but the disks carry the site
    woke_promised,
    woke_accepted,
    woke_told,     // that a genesis exists
    woke_learned,
    woke_chosen,
    woke_settled,
};

struct Row {
    Phase phase;
    Happening happening;
    Phase next;
};
[[nodiscard]] std::span<const Row> table();

// Nothing where the table has no row: a bug.
[[nodiscard]] std::optional<Phase> next(Phase phase, Happening happening);

inline constexpr std::array all_phases{Phase::hearing, Phase::promised,     Phase::accepted,          Phase::founding, Phase::joining,
                                       Phase::member,  Phase::foreign_data, Phase::identity_conflict, Phase::conflict};

// May promise and accept.
[[nodiscard]] bool votes(Phase phase);

[[nodiscard]] std::string_view name_of(Phase phase);         // "foreign-data"
[[nodiscard]] std::string_view name_of(Happening happening); // "woke-blank"

} // namespace ashlar::founding

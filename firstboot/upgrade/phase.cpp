#include <upgrade/phase.hpp>

#include <algorithm>

namespace ashlar::upgrade {

namespace {

using enum Phase;
using enum Event;

// clang-format off
constexpr std::array rows{
    Row{resting,   asked,       checking},
    Row{resting,   asked_back,  returning},
    Row{resting,   asked_reset, resetting},
    Row{resting,   woke_same,   resting},
    Row{resting,   woke_new,    resting},
    Row{resting,   woke_fallen, resting},
    Row{resting,   woke_other,  resting},

    Row{checking,  done,        clearing},
    Row{checking,  current,     resting},
    Row{checking,  failed,      resting},
    Row{clearing,  done,        marking},
    Row{clearing,  failed,      resting},
    Row{marking,   done,        writing},
    Row{marking,   failed,      resting},
    Row{writing,   done,        proving},
    Row{writing,   failed,      resting},
    Row{writing,   refused,     writing},
    Row{proving,   done,        naming},
    Row{proving,   failed,      resting},
    Row{naming,    done,        arming},
    Row{naming,    failed,      resting},
    Row{arming,    done,        armed},
    Row{arming,    failed,      resting},

    // What was cut off goes on; what runs something else by now is over.
    Row{checking,  woke_same,   checking},
    Row{clearing,  woke_same,   clearing},
    Row{marking,   woke_same,   marking},
    Row{writing,   woke_same,   writing},
    Row{proving,   woke_same,   proving},
    Row{naming,    woke_same,   naming},
    Row{arming,    woke_same,   arming},
    Row{checking,  woke_new,    resting},
    Row{clearing,  woke_new,    resting},
    Row{marking,   woke_new,    resting},
    Row{writing,   woke_new,    resting},
    Row{proving,   woke_new,    resting},
    Row{naming,    woke_new,    resting},
    Row{arming,    woke_new,    trying},     // the commitment was made, and not noted any more
    Row{checking,  woke_fallen, checking},
    Row{clearing,  woke_fallen, clearing},
    Row{marking,   woke_fallen, marking},
    Row{writing,   woke_fallen, writing},
    Row{proving,   woke_fallen, proving},
    Row{naming,    woke_fallen, naming},
    Row{arming,    woke_fallen, resting},
    Row{checking,  woke_other,  resting},
    Row{clearing,  woke_other,  resting},
    Row{marking,   woke_other,  resting},
    Row{writing,   woke_other,  resting},
    Row{proving,   woke_other,  resting},
    Row{naming,    woke_other,  resting},
    Row{arming,    woke_other,  resting},

    Row{armed,     asked,       checking},   // another release instead
    Row{armed,     asked_back,  returning},
    Row{armed,     woke_same,   armed},
    Row{armed,     woke_new,    trying},
    Row{armed,     woke_fallen, resting},
    Row{armed,     woke_other,  resting},

    Row{trying,    healthy,     blessing},
    Row{trying,    unhealthy,   returning},
    Row{trying,    asked_back,  returning},
    Row{trying,    woke_same,   armed},      // somebody chose the old one by hand
    Row{trying,    woke_new,    trying},
    Row{trying,    woke_fallen, resting},
    Row{trying,    woke_other,  resting},

    Row{blessing,  done,        resting},
    Row{blessing,  failed,      trying},     // asked for again by the next `healthy`
    Row{blessing,  woke_same,   armed},
    Row{blessing,  woke_new,    blessing},
    Row{blessing,  woke_fallen, resting},
    Row{blessing,  woke_other,  resting},

    Row{returning, done,        leaving},
    Row{returning, failed,      resting},
    Row{returning, woke_same,   returning},
    Row{returning, woke_new,    returning},
    Row{returning, woke_fallen, resting},
    Row{returning, woke_other,  resting},

    Row{leaving,   woke_same,   resting},
    Row{leaving,   woke_new,    leaving},    // the daemon started again, the machine did not yet
    Row{leaving,   woke_fallen, resting},
    Row{leaving,   woke_other,  resting},

    // The order is in the state, whatever runs: a restart carries it out.
    Row{resetting, woke_same,   resetting},
    Row{resetting, woke_new,    resetting},
    Row{resetting, woke_fallen, resetting},
    Row{resetting, woke_other,  resetting},
};
// clang-format on

struct Words {
    Phase phase;
    std::string_view name, sentence;
};
constexpr std::array words{
    Words{resting, "resting", "nothing is under way"},
    Words{checking, "checking", "checking the new release"},
    Words{clearing, "clearing", "taking the old release's entry from the boot menu"},
    Words{marking, "marking", "marking the slot as partial"},
    Words{writing, "writing", "writing the new root"},
    Words{proving, "proving", "computing the new root's hash tree"},
    Words{naming, "naming", "naming the slot"},
    Words{arming, "arming", "adding the new release to the boot menu"},
    Words{armed, "armed", "the next restart tries the new release"},
    Words{trying, "trying", "the new release runs and must prove itself"},
    Words{blessing, "blessing", "making the new release the one that stays"},
    Words{returning, "returning", "giving up the release that runs"},
    Words{leaving, "leaving", "the next restart starts the other release"},
    Words{resetting, "resetting", "the next restart erases /var and begins the node anew"},
};
static_assert(words.size() == all_phases.size());

const Words& words_of(Phase phase) { return *std::ranges::find(words, phase, &Words::phase); }

} // namespace

std::span<const Row> table() { return rows; }

std::optional<Phase> next(Phase phase, Event event) {
    const auto found = std::ranges::find_if(rows, [&](const Row& row) { return row.phase == phase && row.event == event; });
    return found == rows.end() ? std::nullopt : std::optional(found->next);
}

bool works(Phase phase) { return next(phase, done).has_value(); }

std::string_view name_of(Phase phase) { return words_of(phase).name; }
std::string_view sentence_of(Phase phase) { return words_of(phase).sentence; }

std::optional<Phase> phase_named(std::string_view name) {
    const auto found = std::ranges::find(words, name, &Words::name);
    return found == words.end() ? std::nullopt : std::optional(found->phase);
}

std::string_view name_of(Event event) {
    switch (event) {
    case asked: return "asked";
    case asked_back: return "asked-back";
    case asked_reset: return "asked-reset";
    case done: return "done";
    case current: return "current";
    case failed: return "failed";
    case refused: return "refused";
    case healthy: return "healthy";
    case unhealthy: return "unhealthy";
    case woke_same: return "woke-same";
    case woke_new: return "woke-new";
    case woke_fallen: return "woke-fallen";
    case woke_other: return "woke-other";
    }
    return "";
}

} // namespace ashlar::upgrade

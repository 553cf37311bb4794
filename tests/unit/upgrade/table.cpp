#include <upgrade/phase.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

using namespace ashlar::upgrade;

namespace {

TEST(Table, HasOneAnswerToEachEvent) {
    std::set<std::pair<Phase, Event>> seen;
    for (const auto& row : table()) EXPECT_TRUE(seen.emplace(row.phase, row.event).second) << name_of(row.phase) << ' ' << name_of(row.event);
}

// Power may go and come in each phase.
TEST(Table, KnowsWhatToDoAfterAStartInEachPhase) {
    for (const auto phase : all_phases)
        for (const auto event : {Event::woke_same, Event::woke_new, Event::woke_fallen, Event::woke_other})
            EXPECT_TRUE(next(phase, event)) << name_of(phase) << ' ' << name_of(event);
}

TEST(Table, LetsWorkEndWellAndBadly) {
    for (const auto phase : all_phases) EXPECT_EQ(next(phase, Event::done).has_value(), next(phase, Event::failed).has_value()) << name_of(phase);
}

// Whatever fails before the commitment leaves the node as it was; after it, nothing but health blesses.
TEST(Table, BlessesOnlyWhatWasHealthy) {
    for (const auto& row : table()) {
        if (row.next == Phase::blessing && row.phase != Phase::blessing) {
            EXPECT_EQ(row.event, Event::healthy);
        }
        if (row.next == Phase::armed && row.event == Event::done) {
            EXPECT_EQ(row.phase, Phase::arming);
        }
    }
}

TEST(Table, ReachesEachPhaseFromRest) {
    std::set<Phase> reached{Phase::resting};
    for (std::size_t before = 0; before != reached.size();) {
        before = reached.size();
        for (const auto& row : table())
            if (reached.contains(row.phase)) reached.insert(row.next);
    }
    EXPECT_EQ(reached.size(), all_phases.size());
}

TEST(Table, NamesEachPhase) {
    for (const auto phase : all_phases) {
        EXPECT_EQ(phase_named(name_of(phase)), phase);
        EXPECT_FALSE(sentence_of(phase).empty());
    }
    EXPECT_EQ(phase_named("sleeping"), std::nullopt);
}

} // namespace

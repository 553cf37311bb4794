#include <founding/phase.hpp>
#include <founding/step_lock.hpp>

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace ashlar::founding {
namespace {

TEST(Table, HasEachRowOnce) {
    std::set<std::pair<Phase, Happening>> seen;
    for (const Row& row : table()) EXPECT_TRUE(seen.emplace(row.phase, row.happening).second) << name_of(row.phase) << " " << name_of(row.happening);
}

TEST(Table, NothingLeadsBackFromAGenesisToVoting) {
    for (const Row& row : table())
        EXPECT_TRUE(votes(row.phase) || row.happening == Happening::ordered || !votes(row.next)) << name_of(row.phase) << " " << name_of(row.happening);
}

TEST(Table, EveryPhaseCanBeLeftForAConflictOfIdentities) {
    for (const Phase phase : all_phases)
        EXPECT_TRUE(phase == Phase::identity_conflict || next(phase, Happening::doubled) == Phase::identity_conflict) << name_of(phase);
}

const Claim mine{.owner = {{std::byte{1}}}, .boot = 5, .plan = "p", .attempt = 2};

TEST(StepLock, RunsOnlyOnTheStoresWord) {
    EXPECT_TRUE(std::holds_alternative<Put>(next_turn(std::nullopt, mine)));
    EXPECT_TRUE(std::holds_alternative<founding::Run>(next_turn(Held{mine, 9}, mine)));
}

TEST(StepLock, NeverTakesOverByTime) {
    const Claim other{.owner = {{std::byte{2}}}, .boot = 1, .plan = "p", .attempt = 1};
    EXPECT_TRUE(std::holds_alternative<Wait>(next_turn(Held{other, 9}, mine, {.gone = {}, .unchanged = std::chrono::hours(1000)})));
    const auto turn = next_turn(Held{other, 9}, mine, {.gone = other});
    ASSERT_TRUE(std::holds_alternative<Put>(turn));
    EXPECT_EQ(std::get<Put>(turn).revision, 9U);
    Claim later = other;
    later.boot = 2;
    EXPECT_TRUE(std::holds_alternative<Wait>(next_turn(Held{later, 10}, mine, {.gone = other}))) << "another boot than the one that is gone";
}

TEST(StepLock, WhatANodeRanBeforeItsRestartItTakesBack) {
    Claim before = mine;
    before.boot = 4;
    before.attempt = 7;
    EXPECT_TRUE(std::holds_alternative<Put>(next_turn(Held{before, 3}, mine)));
    Claim later = mine;
    later.attempt = 3;
    EXPECT_TRUE(std::holds_alternative<Wait>(next_turn(Held{later, 3}, mine)));
}

} // namespace
} // namespace ashlar::founding

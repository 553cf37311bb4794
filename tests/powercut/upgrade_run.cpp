// A node upgrades itself, and starts the new release for the first time; every cut of both is judged.

#include "recordings_run.hpp"
#include "survey.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using testing::AnyOf;
using testing::Each;
using testing::IsEmpty;
using testing::Key;

namespace {

powercut::Survey judged(const lab::Recording& recording) {
    const powercut::Log log = recording.log();
    return powercut::survey({.log = log,
                   .sectors = lab::Recordings::disk_size / powercut::sector_size,
                   .before = recording.before(),
                   .releases = {powercut::release_of(lab::Recordings::first_image(), "R0.0"), powercut::release_of(lab::Recordings::second_image(), "R0.1")},
                   .var = powercut::Judge::Var::not_judged,
                   .fsck_each = 20},
                  {.samples = 300, .most_tears = 16});
}

TEST(UpgradeCut, StartsTheOldReleaseOrTheNewOne) {
    const auto result = judged(lab::Recordings::get().upgrade());
    fmt::print("upgrade: {}", result.text());
    EXPECT_THAT(result.violations, IsEmpty());
    EXPECT_THAT(result.disagreements, IsEmpty());
    EXPECT_THAT(result.outcomes, Each(Key(AnyOf("starts R0.0", "starts R0.1"))));
    EXPECT_EQ(result.outcomes.size(), 2U);
    EXPECT_GT(result.states, 2000U);
}

// The boot loader's renaming of the UKI and the node's.
TEST(UpgradeCut, LosesNothingWhenTheNewReleaseIsTriedAndBlessed) {
    const auto result = judged(lab::Recordings::get().trial());
    fmt::print("first start of the new release: {}", result.text());
    EXPECT_THAT(result.violations, IsEmpty());
    EXPECT_THAT(result.disagreements, IsEmpty());
    EXPECT_THAT(result.outcomes, Each(Key("starts R0.1")));
}

} // namespace

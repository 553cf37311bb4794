// The order of writing decides: right orders leave a machine that starts or installs, wrong ones are caught.

#include "miniature.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace powercut;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::StartsWith;
using Step = Miniature::Step;

namespace {

class Order : public testing::Test {
protected:
    static const Miniature& miniature() {
        static const Miniature made;
        return made;
    }
    static Survey install(const std::vector<Step>& steps, std::size_t fsck_each = 0) {
        const Log log = miniature().log_of(steps);
        return survey({.log = log, .sectors = miniature().sectors(), .before = {}, .releases = miniature().releases(), .fsck_each = fsck_each}, {});
    }
    static Survey upgrade(const std::vector<Step>& steps) {
        const Log log = miniature().log_of(steps);
        return survey({.log = log, .sectors = miniature().sectors(), .before = miniature().installed(), .releases = miniature().releases(), .var = Judge::Var::not_judged}, {});
    }
    // The right order with one step moved before another.
    static std::vector<Step> moved(std::vector<Step> steps, Step what, Step before) {
        std::erase(steps, what);
        steps.insert(std::ranges::find(steps, before), what);
        return steps;
    }
    static std::vector<Step> without(std::vector<Step> steps, Step what) {
        std::erase(steps, what);
        return steps;
    }
};

TEST_F(Order, OfAnInstallationLeavesNothingThatStartsByHalf) {
    const Survey result = install(Miniature::installation(), 5);
    fmt::print("installation in small: {}", result.text());
    EXPECT_THAT(result.disagreements, IsEmpty());
    EXPECT_THAT(result.violations, IsEmpty());
    EXPECT_THAT(result.outcomes, AllOf(Contains(Key("starts R0.1")), Contains(Key("the installer begins anew: unfinished"))));
}

TEST_F(Order, OfAnUpgradeAlwaysStartsTheOldOrTheNewRelease) {
    const Survey result = upgrade(Miniature::upgrade());
    fmt::print("upgrade in small: {}", result.text());
    EXPECT_THAT(result.violations, IsEmpty());
    EXPECT_THAT(result.outcomes, Each(Key(AnyOf("starts R0.1", "starts R0.2"))));
    EXPECT_EQ(result.outcomes.size(), 2U);
}

TEST_F(Order, WithBootFilesBeforeTheRootIsCaught) {
    auto steps = without(without(without(Miniature::installation(), Step::claim), Step::release_claim), Step::root);
    steps.push_back(Step::root);
    EXPECT_THAT(install(steps).violations, Contains(HasSubstr("'ashlar_R0.1.efi' is chosen, and its root is not complete")));
}

TEST_F(Order, WithoutTheMarkOfAnInstallationIsCaught) {
    const auto steps = without(without(Miniature::installation(), Step::claim), Step::release_claim);
    EXPECT_THAT(install(steps).violations, AllOf(Contains(HasSubstr("does not start (no boot loader), and the installer would not touch it (ours")),
                                                 Contains(HasSubstr("does not start (no partition table), and the installer would not touch it (foreign"))));
}

TEST_F(Order, ThatTakesTheMarkAwayTooEarlyIsCaught) {
    EXPECT_THAT(install(moved(Miniature::installation(), Step::release_claim, Step::loader)).violations, Contains(HasSubstr("does not start (no boot loader)")));
}

TEST_F(Order, OfAnUpgradeWithTheUkiBeforeTheRootIsCaught) {
    const auto early = moved(moved(Miniature::upgrade(), Step::new_uki, Step::partial_table), Step::new_uki_name, Step::partial_table);
    EXPECT_THAT(upgrade(early).violations, Contains(HasSubstr("'ashlar_R0.2+3-0.efi' is chosen, and the partitions of its root hash are not there")));
}

TEST_F(Order, OfAnUpgradeWithTheNamesBeforeTheBlocksIsCaughtOnlyWithTheUki) {
    // Partitions that have their names too early harm nothing as long as no UKI asks for them.
    EXPECT_THAT(upgrade(moved(Miniature::upgrade(), Step::new_table, Step::new_root)).violations, IsEmpty());
    auto steps = moved(Miniature::upgrade(), Step::new_tree, Step::new_root);
    steps = moved(steps, Step::new_table, Step::new_root);
    std::erase(steps, Step::new_root);
    steps.push_back(Step::new_root);
    EXPECT_THAT(upgrade(steps).violations, Contains(HasSubstr("'ashlar_R0.2+3-0.efi' is chosen, and its root is not complete")));
}

TEST_F(Order, WithoutFlushesIsCaught) {
    const Log right = miniature().log_of(Miniature::upgrade());
    std::vector<Entry> entries = right.entries();
    std::erase_if(entries, [](const Entry& entry) { return entry.kind == Entry::Kind::flush; });
    const Log log = right.with(entries);
    const Survey result =
        survey({.log = log, .sectors = miniature().sectors(), .before = miniature().installed(), .releases = miniature().releases(), .var = Judge::Var::not_judged}, {});
    EXPECT_THAT(result.violations, Contains(HasSubstr("'ashlar_R0.2+3-0.efi' is chosen")));
}

} // namespace

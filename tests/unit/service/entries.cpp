#include <service/entries.hpp>

#include <gmock/gmock.h>

#include <set>

using namespace ashlar;
using namespace ashlar::service;
using journald::Entry;
using journald::Priority;
using upgrade::Ending;
using upgrade::Journal;
using upgrade::Phase;
using testing::ElementsAre;
using testing::Pair;

namespace {

Journal in(Phase phase) {
    Journal journal{.phase = phase};
    journal.target = upgrade::Target{.image = {"R0.1", sha256("root")}, .uki = sha256("uki"), .route = {"delta", "the.delta", 1}};
    return journal;
}

TEST(Entries, NameThePhaseAndWhatIsInstalled) {
    const auto entry = entry_of(in(Phase::marking), in(Phase::writing), "R0.0");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->message_id, phase_id);
    EXPECT_EQ(entry->text, "writing the new root (R0.1 by delta)");
    EXPECT_THAT(entry->fields, ElementsAre(Pair("ASHLAR_TARGET", "R0.1"), Pair("ASHLAR_WAY", "delta"), Pair("ASHLAR_PHASE", "writing"), Pair("ASHLAR_RELEASE", "R0.0")));
}

// The journal of an upgrade is kept every 16 MiB.
TEST(Entries, AreNotRepeatedWhileNothingButTheProgressChanges) {
    Journal further = in(Phase::writing);
    further.progress = upgrade::Progress{sha256("root"), "full", 7};
    EXPECT_EQ(entry_of(in(Phase::writing), further, "R0.0"), std::nullopt);
}

TEST(Entries, SayWhichWayWasRefusedAndWhy) {
    Journal now = in(Phase::writing);
    now.target->route.way = "blocks";
    now.target->refusals = {{"delta", "cannot use delta 'x': it is cut off"}};
    const auto entry = entry_of(in(Phase::writing), now, "R0.0");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->message_id, way_refused_id);
    EXPECT_EQ(entry->text, "R0.1 goes on by blocks; delta is refused: cannot use delta 'x': it is cut off");
    EXPECT_EQ(entry_of(now, now, "R0.0"), std::nullopt);
}

TEST(Entries, SayHowAnUpgradeEnded) {
    Journal done = in(Phase::resting);
    done.ending = Ending{"R0.1", std::string(upgrade::installed)};
    auto entry = entry_of(in(Phase::blessing), done, "R0.1");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->message_id, installed_id);
    EXPECT_EQ(entry->priority, Priority::notice);
    EXPECT_EQ(entry->text, "R0.1: installed");
    EXPECT_EQ(entry_of(done, done, "R0.1"), std::nullopt) << "it would be said again at each start";

    done.ending->text = "cannot fetch\n  hint: try again";
    entry = entry_of(in(Phase::writing), done, "R0.0");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->message_id, not_installed_id);
    EXPECT_EQ(entry->priority, Priority::warning);
    EXPECT_THAT(entry->fields, ElementsAre(Pair("ASHLAR_TARGET", "R0.1"), Pair("ASHLAR_REASON", done.ending->text), Pair("ASHLAR_PHASE", "resting"), Pair("ASHLAR_RELEASE", "R0.0")));
}

TEST(Entries, OfAResetHaveAnIdOfTheirOwn) {
    const auto entry = entry_of({}, Journal{.phase = Phase::resetting}, "R0.0");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->message_id, reset_id);
    EXPECT_EQ(entry->text, "the next restart erases /var and begins the node anew");
}

TEST(Entries, OfAFaultAreErrors) {
    const Entry entry = not_kept_entry("cannot read the upgrade journal: there is no phase 'x'", "R0.0");
    EXPECT_EQ(entry.message_id, not_kept_id);
    EXPECT_EQ(entry.priority, Priority::error);
    EXPECT_EQ(entry.text, "the node's releases are not kept: cannot read the upgrade journal: there is no phase 'x'");
}

TEST(Entries, SayWhatFirmwareMadeOfARevocation) {
    using steps::FirmwareRevocation;
    Entry entry = entry_of(steps::Notice(FirmwareRevocation{"R1", 9, FirmwareRevocation::State::obeyed, ""}), "R1.1");
    EXPECT_EQ(entry.message_id, firmware_revocation_id);
    EXPECT_EQ(entry.priority, Priority::notice);
    EXPECT_EQ(entry.text, "the firmware refuses 9 revoked images of train R1");
    EXPECT_THAT(entry.fields, ElementsAre(Pair("ASHLAR_TRAIN", "R1"), Pair("ASHLAR_RELEASE", "R1.1")));
    entry = entry_of(steps::Notice(FirmwareRevocation{"R1", 9, FirmwareRevocation::State::refused, "another KEK"}), "R1.1");
    EXPECT_EQ(entry.priority, Priority::warning);
    EXPECT_EQ(entry.text, "the firmware does not refuse the revoked images of train R1: another KEK");
}

TEST(Entries, AnExpiredBundleThatPassedIsAWarning) {
    const Entry entry = entry_of(steps::Notice(bundle::StaleMedia{.train = "R1", .serial = 7, .site = "north", .issued = {}, .expires = {}, .reason = "the courier was late"}), "R1.0");
    EXPECT_EQ(entry.message_id, stale_media_id);
    EXPECT_EQ(entry.priority, Priority::warning);
    EXPECT_EQ(entry.text, "serial 7 of train R1 has expired and is taken all the same, by the word of site north: the courier was late");
}

TEST(Entries, HaveIdsThatDiffer) {
    const std::set<std::string_view> ids{node_ready_id, phase_id, way_refused_id, installed_id, not_installed_id, not_kept_id, reset_id, firmware_revocation_id, stale_media_id};
    EXPECT_EQ(ids.size(), 9U);
    for (const auto id : ids) {
        EXPECT_EQ(id.size(), 32U);
        EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), id.npos);
    }
    EXPECT_EQ(ready_entry({.role = "base", .release = "R0.0", .architecture = "amd64", .boot_id = ""}, "node-1").text, "node-1: base R0.0 ready");
}

} // namespace

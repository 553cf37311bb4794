// What is believed of carried media, where there is no timestamp.

#include "simulator.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::tuf;
using namespace ashlar::tuf::test;
using testing::ElementsAre;

namespace {

const std::string path = "trains/R1/R1.0/release.json";

// A medium for train R1 and a site that takes it.
struct Medium {
    Simulator site;
    Client client{site};

    Medium() {
        site.files.erase("timestamp.json");
        client.options.train = "R1";
    }
    void publish_train() {
        site.publish_delegated("train-R1");
        site.publish_bundle();
    }
};

TEST(Bundle, StandsInPlaceOfTimestampAndSnapshot) {
    Medium medium;
    EXPECT_EQ(medium.client.find(path), "train-R1");
    EXPECT_THAT(medium.site.asked, ElementsAre("2.root.json", "timestamp.json", "bundle-R1.json", "1.targets.json", "1.train-R1.json"));
    EXPECT_EQ(medium.client.version("bundle-R1"), 1U);
    EXPECT_EQ(medium.client.find(path), "train-R1");
    EXPECT_THAT(medium.site.asked, ElementsAre("2.root.json", "timestamp.json", "bundle-R1.json"));
    medium.publish_train();
    EXPECT_EQ(medium.client.find(path), "train-R1");
    EXPECT_EQ(medium.client.version("bundle-R1"), 2U);
    EXPECT_EQ(medium.client.version("train-R1"), 2U);
}

TEST(Bundle, IsNotReadWhereNoTrainIsNamed) {
    Medium medium;
    medium.client.options.train.reset();
    EXPECT_EQ(medium.client.refresh(), "cannot read 'timestamp.json': the repository does not have it");
    EXPECT_EQ(medium.client.fault, Fault::missing);
}

TEST(Bundle, IsNotReadWhereThereIsATimestamp) {
    Medium medium;
    medium.site.publish_timestamp();
    medium.site.files.erase("bundle-R1.json");
    EXPECT_EQ(medium.client.find(path), "train-R1");
}

TEST(Bundle, MustBeThere) {
    Medium medium;
    medium.site.files.erase("bundle-R1.json");
    EXPECT_EQ(medium.client.refresh(), "cannot read 'bundle-R1.json': the repository does not have it");
}

// ---- attacks -----------------------------------------------------------------------------------

TEST(Attack, ABundleSignedByAnotherKey) {
    for (const std::string role : {"targets", "snapshot", "train-R1"}) {
        Medium medium;
        medium.site.signers["bundle"] = medium.site.signers[role];
        medium.site.publish_bundle();
        EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': 0 of the 1 keys that must sign it have");
    }
}

TEST(Attack, ABundleWhereRootKnowsNone) {
    Medium medium;
    medium.site.root.bundle.reset();
    medium.site.publish_root();
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': root names no keys for bundles");
    EXPECT_EQ(medium.client.fault, Fault::threshold);
}

TEST(Attack, ABundleWithALowerSerial) {
    Medium medium;
    const std::string old = medium.site.text("bundle-R1");
    medium.publish_train();
    EXPECT_EQ(medium.client.refresh(), "");
    medium.site.files["bundle-R1.json"] = old;
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': its version is 1, after 2 was seen");
    EXPECT_EQ(medium.client.fault, Fault::rollback);
    EXPECT_EQ(medium.client.version("bundle-R1"), 2U);
}

TEST(Attack, ABundleWithTheSameSerialAndOtherContent) {
    Medium medium;
    EXPECT_EQ(medium.client.refresh(), "");
    medium.site.bundle.version = 0;
    medium.publish_train();
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': serial 1 had other content before");
    EXPECT_EQ(medium.client.fault, Fault::mismatch);
}

TEST(Attack, AnExpiredBundle) {
    Medium medium;
    medium.client.options.now = day(181);
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': it expired at 2027-05-29T08:00:00Z, and it is 2027-05-30T08:00:00Z");
    EXPECT_EQ(medium.client.fault, Fault::expired);
    EXPECT_EQ(medium.client.version("bundle-R1"), 0U);
}

TEST(Attack, AnExpiredBundleThatWasStored) {
    Medium medium;
    EXPECT_EQ(medium.client.refresh(), "");
    medium.client.options.now = day(181);
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': it expired at 2027-05-29T08:00:00Z, and it is 2027-05-30T08:00:00Z");
}

TEST(Bundle, MayBeStaleWhereTheSiteNamesItsSerial) {
    Medium medium;
    medium.client.options.now = day(181);
    medium.client.options.stale = 1;
    EXPECT_EQ(medium.client.find(path), "train-R1");
    EXPECT_EQ(medium.client.version("bundle-R1"), 1U);
    medium.client.options.stale.reset();
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': it expired at 2027-05-29T08:00:00Z, and it is 2027-05-30T08:00:00Z") << "this once";
}

TEST(Attack, AStaleBundleWithLeaveForAnother) {
    for (const std::uint64_t serial : {0U, 2U}) {
        Medium medium;
        medium.client.options.now = day(181);
        medium.client.options.stale = serial;
        EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': it expired at 2027-05-29T08:00:00Z, and it is 2027-05-30T08:00:00Z");
    }
}

TEST(Attack, AStaleBundleBelowWhatWasSeen) {
    Medium medium;
    const std::string old = medium.site.text("bundle-R1");
    medium.publish_train();
    EXPECT_EQ(medium.client.refresh(), "");
    medium.site.files["bundle-R1.json"] = old;
    medium.client.options.now = day(181);
    medium.client.options.stale = 1;
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': its version is 1, after 2 was seen");
}

TEST(Attack, AStaleBundleUnderAnExpiredRoot) {
    Medium medium;
    medium.client.options.now = day(731);
    medium.client.options.stale = 1;
    EXPECT_EQ(medium.client.refresh(), "cannot trust '1.root.json': it expired at 2028-11-29T08:00:00Z, and it is 2028-11-30T08:00:00Z");
}

TEST(Attack, ABundleOfAnotherTrain) {
    Medium medium;
    medium.site.bundle.train = "R0";
    medium.site.publish_bundle();
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'bundle-R1.json': it is of train 'R0'");
    EXPECT_EQ(medium.client.fault, Fault::mismatch);
}

TEST(Attack, ABundlesManifestInPlaceOfASnapshot) {
    Medium medium;
    medium.site.signers["bundle"] = medium.site.signers["snapshot"];
    medium.site.files["1.snapshot.json"] = medium.site.signed_text(json_of(medium.site.bundle), medium.site.signers["snapshot"]);
    medium.site.timestamp.snapshot = {.version = 1};
    medium.site.publish_timestamp();
    EXPECT_EQ(medium.client.refresh(), "cannot read 'snapshot.json': 'signed._type' is 'bundle', not 'snapshot'");
}

TEST(Attack, MetadataThatTheManifestDoesNotName) {
    Medium medium;
    medium.site.files["1.train-R1.json"][100] ^= 1;
    EXPECT_EQ(medium.client.find(path), "cannot trust 'train-R1.json': its SHA-256 is not the one that is named");
    medium.site.files["1.train-R1.json"].pop_back();
    EXPECT_EQ(medium.client.find(path), fmt::format("cannot trust 'train-R1.json': it has {} bytes, not {}", medium.site.text("train-R1").size() - 1, medium.site.text("train-R1").size()));
}

// ---- media and newer knowledge -----------------------------------------------------------------

TEST(Bundle, GivesWayToANewerTargetsFile) {
    Medium medium;
    const auto carried = medium.site.files;
    medium.site.publish_targets();
    medium.client.store.save("targets", medium.site.text("targets"));
    medium.site.files = carried;
    EXPECT_EQ(medium.client.find(path), "train-R1");
    EXPECT_EQ(medium.client.version("targets"), 2U);
    EXPECT_THAT(medium.site.asked, ElementsAre("2.root.json", "timestamp.json", "bundle-R1.json", "1.train-R1.json")) << "the older one is not even read";
}

TEST(Bundle, IsNotSavedByANewerTargetsFileThatHasExpired) {
    Medium medium;
    const auto carried = medium.site.files;
    medium.site.targets.expires = day(1);
    medium.site.publish_targets();
    medium.client.store.save("targets", medium.site.text("targets"));
    medium.site.files = carried;
    medium.client.options.now = day(2);
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'targets.json': it expired at 2026-12-01T08:00:00Z, and it is 2026-12-02T08:00:00Z");
}

TEST(Attack, ABundleWithAnOlderTrainThanWasSeen) {
    Medium medium;
    const std::string old = medium.site.text("bundle-R1");
    medium.site.publish_delegated("train-R1");
    medium.site.publish_release();
    EXPECT_EQ(medium.client.find(path), "train-R1") << "while it was connected";
    medium.site.files.erase("timestamp.json");
    EXPECT_EQ(medium.client.find(path), "cannot trust 'bundle-R1.json': it names version 1 of 'train-R1.json', after 2 was seen");
    EXPECT_EQ(medium.client.fault, Fault::rollback);
}

TEST(Attack, ASnapshotBelowWhatABundleHadBrought) {
    Medium medium;
    medium.site.publish_timestamp();
    const auto connected = medium.site.files;
    medium.site.files.erase("timestamp.json");
    medium.publish_train();
    EXPECT_EQ(medium.client.find(path), "train-R1");
    medium.site.files = connected;
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'snapshot.json': it names version 1 of 'train-R1.json', after 2 was seen");
    EXPECT_EQ(medium.client.fault, Fault::rollback);
}

TEST(Bundle, IsForgottenWhenItsKeyGoes) {
    Medium medium;
    medium.site.bundle.version = 9223372036854775806;
    medium.site.publish_bundle();
    EXPECT_EQ(medium.client.refresh(), "");
    medium.site.rotate("bundle");
    medium.site.publish_root();
    medium.site.bundle.version = 1;
    medium.site.publish_bundle();
    EXPECT_EQ(medium.client.refresh(), "");
    EXPECT_EQ(medium.client.version("bundle-R1"), 2U);
}

// A node with no clock at all: what it reads cannot be older than the manifest.
TEST(Bundle, MovesTheClock) {
    Medium medium;
    medium.client.options.now = Time{};
    medium.site.bundle.issued = day(20);
    medium.site.targets.expires = day(10);
    medium.site.publish_targets();
    medium.site.publish_bundle();
    EXPECT_EQ(medium.client.refresh(), "cannot trust 'targets.json': it expired at 2026-12-10T08:00:00Z, and it is 2026-12-20T08:00:00Z");
    Trusted trusted(medium.site.files["1.root.json"], Time{});
    EXPECT_EQ(trusted.update_bundle(medium.site.files["bundle-R1.json"], "R1"), Trusted::Taken::newer);
    EXPECT_EQ(trusted.newest_issue(), day(20));
    EXPECT_EQ(trusted.now(), day(20));
}

} // namespace

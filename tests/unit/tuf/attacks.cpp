// The attacks that The Update Framework names, each against the client as it runs on a node.

#include "simulator.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::tuf;
using namespace ashlar::tuf::test;
using testing::ElementsAre;

namespace {

TEST(Client, BelievesAnHonestRepository) {
    Simulator site;
    Client client(site);
    EXPECT_EQ(client.refresh(), "");
    EXPECT_THAT(site.asked, ElementsAre("2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"));
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "train-R1");
    EXPECT_THAT(site.asked, ElementsAre("2.root.json", "timestamp.json", "1.train-R1.json")) << "the rest is stored";
    EXPECT_EQ(client.find("site/berlin/extension.raw"), "site-berlin");
    EXPECT_EQ(client.find("trains/R1/R1.1/release.json"), "");
    EXPECT_EQ(client.find("elsewhere"), "");
}

TEST(Client, NeedsARoot) {
    Simulator site;
    Client client(site);
    client.store.files.clear();
    EXPECT_EQ(client.refresh(), "cannot trust 'releases': there is no root in the store");
    Envelope alone = parse_envelope(site.files.at("1.root.json"), "root.json");
    alone.signatures.resize(1);
    client.store.save("root", text_of(alone));
    EXPECT_EQ(client.refresh(), "cannot trust 'root.json': 1 of the 2 keys that must sign it have");
}

TEST(Client, FollowsARepositoryWithoutConsistentSnapshot) {
    Simulator site;
    Client client(site);
    site.root.consistent_snapshot = false;
    site.publish_root();
    site.publish_delegated("train-R1");
    site.publish_release();
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "train-R1");
    EXPECT_THAT(site.asked, ElementsAre("2.root.json", "3.root.json", "timestamp.json", "snapshot.json", "targets.json", "train-R1.json"));
}

// ---- arbitrary software ------------------------------------------------------------------------

TEST(Attack, ArbitrarySoftwareSignedByAnotherKey) {
    for (const std::string role : {"timestamp", "snapshot", "targets"}) {
        Simulator site;
        Client client(site);
        site.signers[role] = {new_key()};
        site.publish_release();
        EXPECT_EQ(client.refresh(), fmt::format("cannot trust '{}.json': 0 of the 1 keys that must sign it have", role));
        EXPECT_EQ(client.fault, Fault::threshold);
        EXPECT_EQ(client.version(role), 0U);
    }
}

TEST(Attack, ArbitrarySoftwareInATrainSignedByAnotherKey) {
    Simulator site;
    Client client(site);
    site.signers["train-R1"] = {new_key()};
    site.publish_delegated("train-R1");
    site.publish_release();
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "cannot trust 'train-R1.json': 0 of the 1 keys that must sign it have");
    EXPECT_EQ(client.version("train-R1"), 0U);
}

TEST(Attack, UnsignedMetadata) {
    Simulator site;
    Client client(site);
    site.signers["timestamp"].clear();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': 0 of the 1 keys that must sign it have");
}

TEST(Attack, ATimestampOfTheRightKeyInPlaceOfARoot) {
    Simulator site;
    Client client(site);
    site.files["2.root.json"] = site.signed_text(json_of(site.timestamp), site.signers["root"]);
    EXPECT_EQ(client.refresh(), "cannot read '2.root.json': 'signed._type' is 'timestamp', not 'root'");
    EXPECT_EQ(client.version("root"), 1U);
}

// ---- rollback ----------------------------------------------------------------------------------

TEST(Attack, RollbackOfTheTimestamp) {
    Simulator site;
    Client client(site);
    const std::string old = site.text("timestamp");
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "");
    site.files["timestamp.json"] = old;
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': its version is 1, after 2 was seen");
    EXPECT_EQ(client.fault, Fault::rollback);
    EXPECT_EQ(client.version("timestamp"), 2U);
}

TEST(Attack, RollbackOfTheSnapshot) {
    Simulator site;
    Client client(site);
    site.publish_release();
    EXPECT_EQ(client.refresh(), "");
    site.snapshot.version = 0;
    site.publish_snapshot();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': it names version 1 of the snapshot, after 2 was seen");
    EXPECT_EQ(client.version("timestamp"), 2U);
    EXPECT_EQ(client.version("snapshot"), 2U);
}

TEST(Attack, RollbackOfEachFileThatTheSnapshotNames) {
    for (const std::string role : {"targets", "train-R1"}) {
        Simulator site;
        Client client(site);
        site.publish_delegated("train-R1");
        site.publish_release();
        EXPECT_EQ(client.refresh(), "");
        const std::string file = role + ".json";
        site.snapshot.meta[file].version = 1;
        site.publish_snapshot();
        site.publish_timestamp();
        EXPECT_EQ(client.refresh(), fmt::format("cannot trust 'snapshot.json': it names version 1 of '{}', after 2 was seen", file));
        EXPECT_EQ(client.fault, Fault::rollback);
        EXPECT_EQ(client.version("snapshot"), 2U);
    }
}

TEST(Attack, AFileVanishesFromTheSnapshot) {
    Simulator site;
    Client client(site);
    EXPECT_EQ(client.refresh(), "");
    site.snapshot.meta.erase("train-R1.json");
    site.publish_snapshot();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "cannot trust 'snapshot.json': it does not name 'train-R1.json', which the one before did");
    EXPECT_EQ(client.fault, Fault::rollback);
}

TEST(Attack, RollbackOfTheRoot) {
    Simulator site;
    Client client(site);
    site.publish_root();
    EXPECT_EQ(client.refresh(), "");
    site.files["3.root.json"] = site.files.at("1.root.json");
    EXPECT_EQ(client.refresh(), "cannot trust '3.root.json': its version is 1, after 2 was seen");
    EXPECT_EQ(client.fault, Fault::rollback);
    EXPECT_EQ(client.version("root"), 2U);
}

// A stored file that does not verify any more is asked for again; what cannot be had then is an error and no leave.
TEST(Attack, ADamagedStoreIsNoWayAround) {
    Simulator site;
    Client client(site);
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "train-R1");
    for (const std::string role : {"timestamp", "snapshot", "targets", "train-R1"}) client.store.files[role][200] ^= 1;
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "train-R1");
    for (const std::string role : {"timestamp", "snapshot", "targets", "train-R1"}) EXPECT_EQ(client.store.files[role], site.text(role));
}

// ---- freeze ------------------------------------------------------------------------------------

TEST(Attack, FreezeByAnExpiredFile) {
    const auto refusal = [](const std::string& role, const std::function<void(Simulator&)>& expire) {
        Simulator site;
        Client client(site);
        expire(site);
        site.publish_release();
        const std::string answer = client.refresh();
        EXPECT_EQ(client.fault, Fault::expired);
        EXPECT_EQ(client.version(role), 0U) << "what is refused is not stored";
        return answer;
    };
    EXPECT_EQ(refusal("timestamp", [](Simulator& site) { site.timestamp.expires = day(-1); }), "cannot trust 'timestamp.json': it expired at 2026-11-29T08:00:00Z, and it is 2026-11-30T08:00:00Z");
    EXPECT_EQ(refusal("snapshot", [](Simulator& site) { site.snapshot.expires = day(0); }), "cannot trust 'snapshot.json': it expired at 2026-11-30T08:00:00Z, and it is 2026-11-30T08:00:00Z");
    EXPECT_EQ(refusal("targets", [](Simulator& site) { site.targets.expires = day(-2); }), "cannot trust 'targets.json': it expired at 2026-11-28T08:00:00Z, and it is 2026-11-30T08:00:00Z");
}

TEST(Attack, FreezeByWhatWasStored) {
    Simulator site;
    Client client(site);
    EXPECT_EQ(client.refresh(), "");
    client.options.now = day(2);
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': it expired at 2026-12-01T08:00:00Z, and it is 2026-12-02T08:00:00Z");
    site.timestamp.expires = day(3);
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "") << "an expired one is replaced by a newer one";
}

TEST(Attack, FreezeByAnExpiredTrain) {
    Simulator site;
    Client client(site);
    site.delegated["train-R1"].expires = day(-1);
    site.publish_delegated("train-R1");
    site.publish_release();
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "cannot trust 'train-R1.json': it expired at 2026-11-29T08:00:00Z, and it is 2026-11-30T08:00:00Z");
    EXPECT_EQ(client.find("trains/R0/R0.3/release.json"), "train-R0") << "others are not harmed";
}

TEST(Attack, FreezeByTheLastRoot) {
    Simulator site;
    Client client(site);
    site.root.expires = day(-1);
    site.publish_root();
    EXPECT_EQ(client.refresh(), "cannot trust '2.root.json': it expired at 2026-11-29T08:00:00Z, and it is 2026-11-30T08:00:00Z");
    EXPECT_EQ(client.version("root"), 2U) << "a newer root is stored all the same";
    EXPECT_THAT(site.asked, ElementsAre("2.root.json", "3.root.json"));
    site.root.expires = day(1);
    site.publish_root();
    EXPECT_EQ(client.refresh(), "") << "one that expired on the way does no harm";
}

TEST(Attack, FreezeByAClockThatIsSetBack) {
    Simulator site;
    Client client(site);
    client.options.now = day(-3650);
    site.root.issued = day(5);
    site.publish_root();
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': it expired at 2026-12-01T08:00:00Z, and it is 2026-12-05T08:00:00Z") << "root 2 was made after that";
    Updater again(site, client.store, client.options);
    EXPECT_EQ(again.trusted().now(), day(5)) << "and is remembered";
    EXPECT_EQ(again.trusted().newest_issue(), day(5));
}

TEST(Attack, AStolenOnlineKeyDoesNotMoveTheClock) {
    Simulator site;
    Client client(site);
    site.timestamp.issued = site.snapshot.issued = day(300000);
    site.timestamp.expires = site.snapshot.expires = day(300001);
    site.delegated["train-R1"].issued = day(300000);
    site.delegated["train-R1"].expires = day(300001);
    site.publish_delegated("train-R1");
    site.publish_release();
    Updater updater(site, client.store, client.options);
    updater.refresh();
    EXPECT_TRUE(updater.find("trains/R1/R1.0/release.json"));
    EXPECT_EQ(updater.trusted().newest_issue(), day(-10));
    EXPECT_EQ(updater.trusted().now(), day(0));
}

// ---- fast-forward ------------------------------------------------------------------------------

TEST(Attack, FastForwardIsRecoveredFromByNewKeys) {
    constexpr std::uint64_t last = 9223372036854775806;
    Simulator site;
    Client client(site);
    site.timestamp.version = site.snapshot.version = last - 1;
    for (auto& [file, meta] : site.snapshot.meta) meta.version = 1;
    site.publish_release();
    EXPECT_EQ(client.refresh(), "");
    EXPECT_EQ(client.version("timestamp"), last);

    site.timestamp.version = site.snapshot.version = 7;
    site.publish_snapshot();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), fmt::format("cannot trust 'timestamp.json': its version is 8, after {} was seen", last));
    site.rotate("timestamp");
    site.rotate("snapshot");
    site.publish_root();
    site.publish_snapshot();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "");
    EXPECT_EQ(client.version("timestamp"), 9U);
    EXPECT_EQ(client.version("snapshot"), 9U);
}

// The thief's versions are gone although enough keys are left that would still vouch for them.
TEST(Attack, FastForwardIsForgottenWhenOneKeyOfSeveralGoes) {
    Simulator site;
    Client client(site);
    site.signers["timestamp"].push_back(new_key());
    const Key key = key_of(site.signers["timestamp"].back()->verifying_key());
    site.root.keys.emplace(key.id, key);
    site.root.timestamp.key_ids.push_back(key.id);
    site.publish_root();
    site.timestamp.version = 999;
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "");
    site.root.timestamp.key_ids.pop_back();
    site.signers["timestamp"].pop_back();
    site.timestamp.version = 1;
    site.publish_root();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "");
    EXPECT_EQ(client.version("timestamp"), 2U);
}

// A key that is added gives nobody leave to go back.
TEST(Attack, ANewKeyBesideTheOldDropsNothing) {
    Simulator site;
    Client client(site);
    const std::string old = site.text("timestamp");
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "");
    const Key key = key_of(new_key()->verifying_key());
    site.root.keys.emplace(key.id, key);
    site.root.timestamp.key_ids.push_back(key.id);
    site.publish_root();
    site.files["timestamp.json"] = old;
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': its version is 1, after 2 was seen");
}

// ---- mix and match -----------------------------------------------------------------------------

TEST(Attack, MixAndMatchOfTheSnapshot) {
    Simulator site;
    Client client(site);
    const std::string old = site.text("snapshot");
    site.publish_release();
    site.files["2.snapshot.json"] = old;
    EXPECT_EQ(client.refresh(), "cannot trust 'snapshot.json': its SHA-256 is not the one that is named");
    EXPECT_EQ(client.fault, Fault::mismatch);
    site.timestamp.snapshot = {.version = 2};
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "cannot trust 'snapshot.json': its version is 1, not 2 as named") << "without length and hash";
    EXPECT_EQ(client.version("snapshot"), 0U);
}

TEST(Attack, MixAndMatchOfTargets) {
    Simulator site;
    Client client(site);
    const std::string old = site.text("targets");
    site.publish_release();
    site.files["2.targets.json"] = old;
    EXPECT_EQ(client.refresh(), "cannot trust 'targets.json': its SHA-256 is not the one that is named");
    site.snapshot.meta["targets.json"] = {.version = 2};
    site.publish_snapshot();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "cannot trust 'targets.json': its version is 1, not 2 as named");
    EXPECT_EQ(client.version("targets"), 0U);
}

TEST(Attack, OneTrainsFileInPlaceOfAnothers) {
    Simulator site;
    Client client(site);
    site.files["1.train-R1.json"] = site.text("train-R0");
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"),
              fmt::format("cannot trust 'train-R1.json': it has {} bytes, not {}", site.text("train-R0").size(), site.text("train-R1").size()));
    site.snapshot.meta["train-R1.json"] = {.version = 1};
    site.publish_snapshot();
    site.publish_timestamp();
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "cannot trust 'train-R1.json': 0 of the 1 keys that must sign it have");
}

TEST(Attack, OneTargetInPlaceOfAnother) {
    Simulator site;
    Client client(site);
    Updater updater(site, client.store, client.options);
    updater.refresh();
    const std::string path = "trains/R1/R1.0/release.json";
    const auto found = updater.find(path);
    ASSERT_TRUE(found);
    const auto verdict = [&](std::string_view bytes) {
        return error_of([&] {
            TargetCheck check(path, found->target);
            for (const char c : bytes) check.update(bytes_of({&c, 1}));
            check.finish();
        });
    };
    EXPECT_EQ(verdict(path), "");
    EXPECT_EQ(verdict("trains/R1/R1.0/releasE.json"), "cannot verify 'trains/R1/R1.0/release.json': its SHA-256 is not the one that is signed");
    EXPECT_EQ(verdict("trains"), "cannot verify 'trains/R1/R1.0/release.json': it has 6 bytes, not 27");
    EXPECT_EQ(verdict("trains/R1/R1.0/release.json and more"), "cannot verify 'trains/R1/R1.0/release.json': it is longer than 27 bytes");
}

// ---- endless data ------------------------------------------------------------------------------

TEST(Attack, EndlessData) {
    const auto refusal = [](const std::string& file, std::uint64_t most) {
        Simulator site;
        Client client(site);
        site.timestamp.snapshot = {.version = 1};
        site.snapshot.meta["targets.json"] = {.version = 1};
        site.publish_snapshot();
        site.timestamp.snapshot = {.version = 2};
        site.publish_timestamp();
        site.files[file].resize(most + 1, ' ');
        const std::string answer = client.refresh();
        EXPECT_EQ(client.fault, Fault::endless);
        return answer;
    };
    EXPECT_EQ(refusal("2.root.json", most_root_bytes), "cannot read '2.root.json': it is longer than 512000 bytes");
    EXPECT_EQ(refusal("timestamp.json", most_timestamp_bytes), "cannot read 'timestamp.json': it is longer than 16384 bytes");
    EXPECT_EQ(refusal("2.snapshot.json", most_snapshot_bytes), "cannot read '2.snapshot.json': it is longer than 2000000 bytes");
    EXPECT_EQ(refusal("1.targets.json", most_targets_bytes), "cannot read '1.targets.json': it is longer than 5000000 bytes");
}

TEST(Attack, EndlessDataBehindANamedLength) {
    Simulator site;
    Client client(site);
    const auto size = site.text("snapshot").size();
    site.files["1.snapshot.json"] += ' ';
    EXPECT_EQ(client.refresh(), fmt::format("cannot read '1.snapshot.json': it is longer than {} bytes", size));
}

TEST(Attack, AnEndlessChainOfRoots) {
    Simulator site;
    Client client(site);
    for (unsigned i = 0; i < most_root_rotations; ++i) site.publish_root();
    EXPECT_EQ(client.refresh(), "");
    EXPECT_EQ(client.version("root"), 257U);
    client.store.save("root", site.files.at("1.root.json"));
    site.publish_root();
    EXPECT_EQ(client.refresh(), "cannot trust '258.root.json': 256 new roots in one run are enough");
    EXPECT_EQ(client.fault, Fault::endless);
    EXPECT_EQ(client.version("root"), 257U) << "what was learned stays";
    EXPECT_EQ(client.refresh(), "") << "and the next run goes on from there";
}

// ---- thresholds --------------------------------------------------------------------------------

TEST(Attack, TooFewHaveSigned) {
    Simulator site;
    Client client(site);
    site.signers["root"].resize(1);
    site.publish_root();
    EXPECT_EQ(client.refresh(), "cannot trust '2.root.json': 1 of the 2 keys that must sign it have");
    EXPECT_EQ(client.version("root"), 1U);
}

TEST(Attack, OneKeySignsTwice) {
    Simulator site;
    Client client(site);
    site.signers["root"].resize(1);
    site.publish_root();
    Json file = parse_json(site.files["2.root.json"], "root");
    file["signatures"].push_back(file["signatures"][0]);
    site.files["2.root.json"] = file.dump();
    EXPECT_EQ(client.refresh(), fmt::format("cannot read '2.root.json': the key '{}' has signed it twice", site.root.root.key_ids.front()));
}

TEST(Attack, OneKeySignsUnderTwoIds) {
    Simulator site;
    Client client(site);
    const std::string id = site.root.timestamp.key_ids.front();
    Key twin = site.root.keys.at(id);
    twin.id = "twin";
    site.root.keys.emplace("twin", twin);
    site.root.timestamp = {.key_ids = {id, "twin"}, .threshold = 2};
    site.publish_root();
    site.publish_timestamp();
    Json file = parse_json(site.text("timestamp"), "timestamp");
    file["signatures"].push_back({{"keyid", "twin"}, {"sig", file["signatures"][0]["sig"]}});
    site.files["timestamp.json"] = file.dump();
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': 1 of the 2 keys that must sign it have");
}

TEST(Attack, ARoleNamesAKeyTwice) {
    Simulator site;
    Client client(site);
    site.root.timestamp.key_ids.push_back(site.root.timestamp.key_ids.front());
    site.publish_root();
    EXPECT_EQ(client.refresh(), "cannot read '2.root.json': 'signed.roles.timestamp.keyids' names a key twice");
}

TEST(Attack, AThresholdOfNone) {
    Simulator site;
    Client client(site);
    site.root.timestamp.threshold = 0;
    site.publish_root();
    EXPECT_EQ(client.refresh(), "cannot read '2.root.json': 'signed.roles.timestamp.threshold' is no number from 1 on");
}

TEST(Attack, ARevokedKeySigns) {
    Simulator site;
    Client client(site);
    const auto old = site.signers["timestamp"];
    site.rotate("timestamp");
    site.publish_root();
    site.signers["timestamp"] = old;
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': 0 of the 1 keys that must sign it have");
}

TEST(Attack, AKeyOfAnotherRoleSigns) {
    Simulator site;
    Client client(site);
    site.signers["targets"] = site.signers["timestamp"];
    site.publish_release();
    EXPECT_EQ(client.refresh(), "cannot trust 'targets.json': 0 of the 1 keys that must sign it have");
}

// What one signer's broken program writes must not stop the others.
TEST(Threshold, CountsWhatFitsAndIsNotHarmedByTheRest) {
    Simulator site;
    Client client(site);
    site.root.keys.emplace("later", Key{.id = "later", .value = {{"keytype", "sphincs"}, {"scheme", "sphincs-shake-128s"}, {"keyval", {{"public", "00"}}}}});
    site.root.keys.emplace("broken", Key{.id = "broken", .value = {{"keytype", "ecdsa"}, {"scheme", "ecdsa-sha2-nistp256"}, {"keyval", {{"public", "no key"}}}}});
    for (const auto* id : {"later", "broken", "absent"}) site.root.timestamp.key_ids.emplace_back(id);
    site.publish_root();
    site.publish_timestamp();
    Json file = parse_json(site.text("timestamp"), "timestamp");
    for (const auto* id : {"later", "broken", "absent", "stranger"}) file["signatures"].push_back({{"keyid", id}, {"sig", id == std::string("broken") ? "" : "xyz"}});
    site.files["timestamp.json"] = file.dump();
    EXPECT_EQ(client.refresh(), "");
    EXPECT_EQ(client.version("timestamp"), 2U);
}

TEST(Threshold, IsReachedByKeysOfEveryScheme) {
    Simulator site;
    Client client(site);
    site.signers["timestamp"].clear();
    site.root.timestamp = {.key_ids = {}, .threshold = 4};
    for (const auto scheme : {SignatureScheme::ed25519, SignatureScheme::ecdsa_p256, SignatureScheme::ecdsa_p384, SignatureScheme::rsa_pss}) {
        site.signers["timestamp"].push_back(new_key(scheme));
        const Key key = key_of(site.signers["timestamp"].back()->verifying_key());
        site.root.keys.emplace(key.id, key);
        site.root.timestamp.key_ids.push_back(key.id);
    }
    site.publish_root();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "");
    site.signers["timestamp"].pop_back();
    site.publish_timestamp();
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': 3 of the 4 keys that must sign it have");
}

// ---- the chain of roots ------------------------------------------------------------------------

TEST(Attack, ANewRootThatOnlyTheNewKeysSigned) {
    Simulator site;
    Client client(site);
    site.rotate("root");
    site.publish_root();
    site.files["2.root.json"] = site.signed_text(json_of(site.root), site.signers["root"]);
    EXPECT_EQ(client.refresh(), "cannot trust '2.root.json': 0 of the 2 keys that must sign it have");
}

TEST(Attack, ANewRootThatOnlyTheOldKeysSigned) {
    Simulator site;
    Client client(site);
    const auto old = site.signers["root"];
    site.rotate("root");
    ++site.root.version;
    site.files["2.root.json"] = site.signed_text(json_of(site.root), old);
    EXPECT_EQ(client.refresh(), "cannot trust '2.root.json': 0 of the 2 keys that must sign it have");
}

TEST(Attack, ARootIsMissingInTheChain) {
    Simulator site;
    Client client(site);
    site.publish_root();
    site.rotate("root");
    site.rotate("timestamp");
    site.publish_root();
    site.publish_timestamp();
    site.files.erase("2.root.json");
    EXPECT_EQ(client.refresh(), "cannot trust 'timestamp.json': 0 of the 1 keys that must sign it have");
    site.files["2.root.json"] = site.files["3.root.json"];
    EXPECT_EQ(client.refresh(), "cannot trust '2.root.json': its version is 3, not 2 as named") << "versions are not skipped";
    EXPECT_EQ(client.version("root"), 1U);
}

TEST(Client, FollowsAChainOfRotatedRoots) {
    Simulator site;
    Client client(site);
    for (int i = 0; i < 5; ++i) {
        for (const auto* role : {"root", "targets", "snapshot", "timestamp", "bundle"}) site.rotate(role);
        site.publish_root();
    }
    site.publish_release();
    EXPECT_EQ(client.refresh(), "");
    EXPECT_EQ(client.version("root"), 6U);
}

// ---- delegations -------------------------------------------------------------------------------

TEST(Attack, ATrainSignsAPathOfAnotherTrain) {
    Simulator site;
    Client client(site);
    site.delegated["train-R1"].targets.emplace("trains/R0/R0.4/release.json", Simulator::target("malice"));
    site.publish_delegated("train-R1");
    site.publish_release();
    EXPECT_EQ(client.find("trains/R0/R0.4/release.json"), "");
    EXPECT_EQ(client.find("trains/R0/R0.3/release.json"), "train-R0");
}

TEST(Attack, ASiteSignsAPathOfATrain) {
    Simulator site;
    Client client(site);
    for (const auto* path : {"trains/R1/R1.9/release.json", "site/berlin/../../trains/R1/R1.9/release.json", "site/munich/extension.raw", "site/berlin/deeper/extension.raw"})
        site.delegated["site-berlin"].targets.emplace(path, Simulator::target("malice"));
    site.publish_delegated("site-berlin");
    site.publish_release();
    for (const auto& [path, target] : site.delegated["site-berlin"].targets)
        EXPECT_EQ(client.find(path), path == "site/berlin/extension.raw" ? "site-berlin" : "") << path;
}

TEST(Attack, ATrainDelegatesWhatItWasNotGiven) {
    Simulator site;
    Client client(site);
    Targets& train = site.delegated["train-R1"];
    site.signers["friend"] = {new_key()};
    const Key key = key_of(site.signers["friend"].front()->verifying_key());
    train.keys.emplace(key.id, key);
    train.delegations.push_back({.name = "friend", .role = {{key.id}, 1}, .paths = {"*", "*/*/*/*"}});
    site.delegated["friend"].expires = day(1);
    for (const auto* path : {"trains/R0/R0.4/release.json", "trains/R1/R1.4/release.json"}) site.delegated["friend"].targets.emplace(path, Simulator::target(path));
    site.publish_delegated("friend");
    site.publish_delegated("train-R1");
    site.publish_release();
    EXPECT_EQ(client.find("trains/R0/R0.4/release.json"), "");
    EXPECT_EQ(client.find("trains/R1/R1.4/release.json"), "friend") << "within its own it may";
}

TEST(Attack, ATrainSpeaksForAnother) {
    Simulator site;
    Client client(site);
    site.delegated["train-R1"].train->train = "R0";
    site.publish_delegated("train-R1");
    site.publish_release();
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "cannot trust 'train-R1.json': it speaks for train 'R0'");
    site.delegated["site-berlin"].train = TrainTerms{.train = "R1"};
    site.publish_delegated("site-berlin");
    site.publish_release();
    EXPECT_EQ(client.find("site/berlin/extension.raw"), "cannot trust 'site-berlin.json': it speaks for train 'R1'");
}

TEST(Attack, ADelegationThatTheSnapshotDoesNotName) {
    Simulator site;
    Client client(site);
    site.snapshot.meta.erase("train-R1.json");
    site.publish_release();
    EXPECT_EQ(client.find("trains/R1/R1.0/release.json"), "cannot trust 'train-R1.json': the snapshot does not name it");
    EXPECT_EQ(client.fault, Fault::missing);
}

TEST(Attack, NamedMetadataIsNotThere) {
    for (const std::string file : {"timestamp.json", "1.snapshot.json", "1.targets.json"}) {
        Simulator site;
        Client client(site);
        site.files.erase(file);
        EXPECT_EQ(client.refresh(), fmt::format("cannot read '{}': the repository does not have it", file));
        EXPECT_EQ(client.fault, Fault::missing);
    }
}

} // namespace

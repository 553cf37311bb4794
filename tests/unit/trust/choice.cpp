#include <trust/choice.hpp>

#include "../tuf/simulator.hpp"
#include "cluster_releases.hpp"

#include <base/error.hpp>
#include <tuf/trusted.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::trust;
using testing::HasSubstr;

namespace {

// A repository with releases, and a node that asks it.
class Site final : public Releases {
public:
    [[nodiscard]] std::optional<std::string> metadata(std::string_view name, std::uint64_t most) override { return simulator.metadata(name, most); }
    [[nodiscard]] std::string target(const std::string& place, std::uint64_t) override { return targets.at(place); }

    tuf::test::Simulator simulator;
    std::map<std::string, std::string> targets; // by place

    void add(const std::string& version, const std::string& channel) {
        ClusterRelease release = samples::cluster_release(version);
        release.previous = {samples::release_origin("R0")};
        if (version == "R1.1") release.previous.push_back(samples::release_origin("R1"));
        const std::string text = cluster_release_text(release), path = "trains/" + to_text(release.release.train) + "/" + version + "/release.json";
        const auto target = tuf::test::Simulator::target(text, Json{{"release", version}, {"channel", channel}});
        terms(version).targets.insert_or_assign(path, target);
        targets[tuf::place_of(path, target, simulator.root.consistent_snapshot ? tuf::Naming::consistent : tuf::Naming::plain)] = text;
    }
    tuf::Targets& terms(const std::string& version) { return simulator.delegated.at("train-" + version.substr(0, version.find('.'))); }
    tuf::TrainTerms& train(const std::string& version) {
        auto& train = terms(version).train;
        if (!train) train = tuf::TrainTerms{.train = version.substr(0, version.find('.')), .security_floor = {}, .revoked = {}};
        return *train;
    }
    void publish() {
        for (const char* role : {"train-R0", "train-R1"}) simulator.publish_delegated(role);
        simulator.publish_release();
    }
};

// What the node remembers.
class NodeMemory final : public Memory {
public:
    [[nodiscard]] std::optional<std::string> load(std::string_view role) const override { return store.load(role); }
    void save(std::string_view role, std::string_view text) override { store.save(role, text); }
    void remove(std::string_view role) override { store.remove(role); }
    void raise(const SecurityFloors& more, const std::optional<Time>& newest_issue) override {
        floors = more;
        time = newest_issue;
    }
    tuf::test::MemoryStore store;
    SecurityFloors floors;
    std::optional<Time> time;
};

class Choice : public testing::Test {
protected:
    Choice() {
        for (const char* version : {"R0.0", "R1.0"}) site.terms(version).targets.clear();
        memory.save("root", site.simulator.files.at("1.root.json"));
    }
    Site site;
    NodeMemory memory;
    Question question{.node = {.role = "compute", .architecture = "amd64", .running = "R0.4"}, .release = {}, .now = tuf::test::day(0), .floors = {}};

    Look look() {
        site.publish();
        return choose(site, memory, question);
    }
    std::string chosen() {
        const auto found = look();
        return found.choice ? found.choice->index.release : "nothing";
    }
    std::string refusal() {
        try {
            (void)look();
        } catch (const Error& error) {
            return error.render();
        }
        return "not refused";
    }
};

TEST_F(Choice, WhatIsNamedIsTakenFromWhereItLies) {
    site.add("R0.5", "edge");
    question.release = "R0.5";
    const auto found = look().choice;
    ASSERT_TRUE(found);
    EXPECT_EQ(found->folder, "targets/trains/R0/R0.5");
    EXPECT_EQ(found->index.uki.file, sha256("ashlar_compute_R0.5_amd64.efi").hex() + ".ashlar_compute_R0.5_amd64.efi");
    EXPECT_EQ(found->index.streams.front().file.file, sha256("ashlar_compute_R0.5_amd64.full").hex() + ".ashlar_compute_R0.5_amd64.full");
    EXPECT_EQ(found->index.uki_deltas.front().file.file, sha256("ashlar_compute_R0.5_amd64.efi.delta").hex() + ".ashlar_compute_R0.5_amd64.efi.delta");
}

TEST_F(Choice, WithoutANameItIsTheNewestStableOneOfTheTrainThatRuns) {
    site.add("R0.4", "stable");
    EXPECT_EQ(chosen(), "nothing");
    site.add("R0.5", "stable");
    site.add("R0.10", "candidate");
    site.add("R1.0", "stable");
    EXPECT_EQ(chosen(), "R0.5");
    site.add("R0.6", "stable");
    EXPECT_EQ(chosen(), "R0.6");
    site.train("R0.6").revoked.emplace("R0.6", "it loses data");
    EXPECT_EQ(chosen(), "R0.5");
}

TEST_F(Choice, AReleaseThatNobodySignedIsNone) {
    site.add("R0.5", "stable");
    question.release = "R0.7";
    EXPECT_EQ(refusal(), "cannot upgrade to 'R0.7': there is no such release\n  hint: is it in the repository, and is the newest bundle of train R0 imported?");
}

TEST_F(Choice, RevokedAndBelowTheFloorAreRefused) {
    site.add("R0.5", "stable");
    site.add("R0.6", "stable");
    site.train("R0.5").revoked.emplace("R0.5", "CVE-2026-0001");
    question.release = "R0.5";
    EXPECT_EQ(refusal(), "cannot upgrade to 'R0.5': it is revoked: CVE-2026-0001\n  hint: take another release");
    site.train("R0.5").revoked.clear();
    site.train("R0.5").security_floor = "R0.6";
    EXPECT_EQ(refusal(), "cannot upgrade to 'R0.5': it is below the security floor 'R0.6'\n  hint: take a newer release");
}

TEST_F(Choice, AFloorThatWasSeenStays) {
    site.add("R0.5", "stable");
    site.train("R0.5").security_floor = "R0.3";
    question.floors = {{"R0", "R0.6"}, {"R1", "R1.2"}};
    question.release = "R0.5";
    EXPECT_THAT(refusal(), HasSubstr("below the security floor 'R0.6'"));
    question.release.reset();
    question.node.running = "R0.7";
    EXPECT_EQ(look().floors, question.floors);
    site.train("R0.5").security_floor = "R0.7";
    EXPECT_EQ(look().floors, (SecurityFloors{{"R0", "R0.7"}, {"R1", "R1.2"}}));
}

TEST_F(Choice, AFloorOfTheReleaseIsNotSkipped) {
    site.add("R1.0", "stable");
    question.release = "R1.0";
    EXPECT_EQ(chosen(), "R1.0");
    question.node.running = "R0.3";
    EXPECT_THAT(refusal(), HasSubstr("cannot upgrade to 'R1.0': "));
}

TEST_F(Choice, OfAnotherRoleThereIsNothing) {
    site.add("R0.5", "stable");
    question.node.role = "storage";
    EXPECT_EQ(refusal(), "cannot upgrade to 'R0.5': it has no image of role storage for amd64\n  hint: ask whoever cuts the release for that role");
}

TEST_F(Choice, ADocumentThatIsNotTheSignedOneIsRefused) {
    site.add("R0.5", "stable");
    for (auto& [place, text] : site.targets) text.back() = ' ';
    EXPECT_THAT(refusal(), HasSubstr("release.json"));
}

// ---- What is learned before a failure ------------------------------------------------------------

TEST_F(Choice, TheNewestSignedTimeStaysKnownWhenTheRestFails) {
    site.publish();
    site.simulator.root.issued = tuf::test::day(20);
    site.simulator.publish_root();
    site.simulator.files.erase("snapshot.json");
    for (auto& [name, text] : site.simulator.files)
        if (name.ends_with("snapshot.json")) text.clear();
    EXPECT_ANY_THROW((void)choose(site, memory, question));
    EXPECT_EQ(memory.time, tuf::test::day(20));
}

TEST_F(Choice, AFloorStaysKnownWhenWhatWasAskedForIsRefused) {
    site.add("R0.5", "stable");
    site.train("R0.5").security_floor = "R0.6";
    question.release = "R0.5";
    EXPECT_THAT(refusal(), HasSubstr("below the security floor"));
    EXPECT_EQ(memory.floors, (SecurityFloors{{"R0", "R0.6"}}));
}

// ---- Revocations for firmware --------------------------------------------------------------------

class Revoked : public Choice {
protected:
    // As a train's role names it.
    void forbid(const std::string& train, const std::string& update) {
        const std::string path = "trains/" + train + "/revoked/dbx-append.auth";
        const auto target = tuf::test::Simulator::target(update);
        site.terms(train + ".0").targets.insert_or_assign(path, target);
        site.targets[tuf::place_of(path, target, site.simulator.root.consistent_snapshot ? tuf::Naming::consistent : tuf::Naming::plain)] = update;
    }
};

TEST_F(Revoked, AreHandedOnWhetherThereIsANewerReleaseOrNot) {
    forbid("R0", "an update");
    Look found = look();
    EXPECT_FALSE(found.choice);
    ASSERT_EQ(found.revocations.size(), 1U);
    EXPECT_EQ(found.revocations.front().train, "R0");
    EXPECT_EQ(found.revocations.front().update, "an update");
    site.add("R0.5", "stable");
    EXPECT_EQ(look().revocations.size(), 1U);
}

TEST_F(Revoked, OfTheTrainThatRunsGoAlongToTheNext) {
    forbid("R0", "old ones");
    forbid("R1", "older ones");
    site.add("R1.0", "stable");
    question.release = "R1.0";
    const auto revocations = look().revocations;
    ASSERT_EQ(revocations.size(), 2U);
    EXPECT_EQ(revocations[0].update, "older ones");
    EXPECT_EQ(revocations[1].update, "old ones");
}

TEST_F(Revoked, ThatCannotBeHadDoNotKeepANodeFromAnUpgrade) {
    forbid("R0", "an update");
    for (auto& [place, text] : site.targets) text = "another one"; // and of another digest
    site.add("R0.5", "stable");
    const Look found = look();
    EXPECT_EQ(found.choice.value().index.release, "R0.5");
    ASSERT_EQ(found.revocations.size(), 1U);
    EXPECT_EQ(found.revocations.front().update, "");
    EXPECT_THAT(found.revocations.front().fault, HasSubstr("dbx-append.auth"));
}

// ---- Stale media ---------------------------------------------------------------------------------

// A carried medium of train R1 that has expired, and a node of R1.
class StaleMedia : public Choice {
protected:
    StaleMedia() {
        question.node.running = "R1.0";
        site.add("R1.1", "stable");
        site.publish();
        site.simulator.files.erase("timestamp.json");
        site.simulator.bundle.expires = tuf::test::day(180);
        site.simulator.publish_bundle();
        question.now = tuf::test::day(200);
        word.serial = site.simulator.bundle.version;
    }
    void say(const tuf::test::SharedKey& key) { site.simulator.files["stale-media-R1.json"] = site.simulator.signed_text(bundle::json_of(word), {key}); }
    void say() { say(site.simulator.signers.at("site-berlin").front()); }
    std::string refusal() {
        try {
            (void)choose(site, memory, question);
        } catch (const Error& error) {
            return error.render();
        }
        return "not refused";
    }
    bundle::StaleMedia word{.train = "R1", .serial = 0, .site = "berlin", .issued = tuf::test::day(199), .expires = tuf::test::day(206), .reason = "the courier was late"};
    std::string expired = "cannot trust 'bundle-R1.json': it expired at " + tuf::text_of(tuf::test::day(180)) + ", and it is " + tuf::text_of(tuf::test::day(200));
};

TEST_F(StaleMedia, AreRefusedWithWhatWouldHelp) {
    EXPECT_EQ(refusal(), expired + "\n  hint: import a newer bundle of train R1, and look at the clock; or let one who holds the site's key say that serial " + std::to_string(word.serial) +
                             " may pass: docs/formats/stale-media.md");
}

TEST_F(StaleMedia, PassByTheSitesWord) {
    say();
    const Look found = choose(site, memory, question);
    EXPECT_EQ(found.choice.value().index.release, "R1.1");
    EXPECT_EQ(found.stale.value().reason, "the courier was late");
    EXPECT_FALSE(refusal().starts_with("cannot")) << "what was seen is the same the next time";
}

TEST_F(StaleMedia, AWordThatIsNotNeededDoesNothing) {
    say();
    question.now = tuf::test::day(0); // a clock that is late
    EXPECT_FALSE(choose(site, memory, question).stale);
}

TEST_F(StaleMedia, ANewerBundleIsNotLetPassByTheWordForAnOlderOne) {
    say();
    site.simulator.publish_bundle();
    EXPECT_THAT(refusal(), HasSubstr(expired + "; cannot use 'stale-media-R1.json': it is for serial"));
}

TEST_F(StaleMedia, NobodyElsesWordCounts) {
    say(site.simulator.signers.at("train-R1").front());
    EXPECT_THAT(refusal(), HasSubstr(expired + "; cannot trust 'stale-media-R1.json'"));
    say(tuf::test::new_key());
    EXPECT_THAT(refusal(), HasSubstr(expired));
    word.site = "hamburg";
    say();
    EXPECT_THAT(refusal(), HasSubstr("there is no role 'site-hamburg'"));
    site.simulator.files["stale-media-R1.json"] = std::string(bundle::most_stale_media_bytes + 1, ' ');
    EXPECT_THAT(refusal(), HasSubstr(expired + "; cannot read"));
    site.simulator.files["stale-media-R1.json"] = "{}";
    EXPECT_THAT(refusal(), HasSubstr(expired));
}

// A clock that runs ahead makes both old: the word, too, lasts for days and not for ever.
TEST_F(StaleMedia, AWordThatHasExpiredIsNone) {
    say();
    question.now = tuf::test::day(206);
    EXPECT_THAT(refusal(), HasSubstr("it has expired: " + tuf::text_of(tuf::test::day(206))));
}

// A clock that was set back does not revive it: what root was made later than is later.
TEST_F(StaleMedia, AClockThatIsLateDoesNotReviveAWord) {
    say();
    site.simulator.root.issued = tuf::test::day(210);
    site.simulator.publish_root();
    question.now = tuf::test::day(200);
    EXPECT_THAT(refusal(), HasSubstr("it has expired: "));
}

TEST_F(StaleMedia, NoVersionThatWasSeenAndNoFloorIsUndercut) {
    say();
    const std::string old = site.simulator.files.at("bundle-R1.json");
    site.simulator.bundle.expires = tuf::test::day(300);
    site.simulator.publish_bundle();
    (void)choose(site, memory, question);
    site.simulator.files["bundle-R1.json"] = old;
    EXPECT_THAT(refusal(), HasSubstr("after " + std::to_string(site.simulator.bundle.version) + " was seen"));

    memory.store.remove("bundle-R1");
    question.floors = {{"R1", "R1.2"}};
    question.release = "R1.1";
    EXPECT_THAT(refusal(), HasSubstr("below the security floor 'R1.2'"));
}

TEST_F(StaleMedia, AnExpiredRootDoesNotPass) {
    say();
    site.simulator.root.expires = tuf::test::day(190);
    site.simulator.publish_root();
    EXPECT_THAT(refusal(), HasSubstr("2.root.json': it expired"));
}

// A site that the holders of `targets` have dropped speaks for nobody, though an older file of theirs still names it.
TEST_F(StaleMedia, ASiteThatWasDroppedSaysNothing) {
    say();
    auto newer = site.simulator.targets;
    std::erase_if(newer.delegations, [](const auto& role) { return role.name == "site-berlin"; });
    ++newer.version;
    memory.save("targets", site.simulator.signed_text(tuf::json_of(newer), site.simulator.signers.at("targets")));
    EXPECT_THAT(refusal(), HasSubstr("there is no role 'site-berlin'"));
}

TEST(SecurityFloors, LetWhatIsNotOlderStart) {
    const SecurityFloors floors{{"R0", "R0.4"}};
    EXPECT_TRUE(is_allowed(floors, "R0.4"));
    EXPECT_TRUE(is_allowed(floors, "R0.10"));
    EXPECT_TRUE(is_allowed(floors, "R1.0"));
    EXPECT_FALSE(is_allowed(floors, "R0.3"));
}

} // namespace

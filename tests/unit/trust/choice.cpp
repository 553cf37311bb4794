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

class Choice : public testing::Test {
protected:
    Choice() {
        for (const char* version : {"R0.0", "R1.0"}) site.terms(version).targets.clear();
        store.save("root", site.simulator.files.at("1.root.json"));
    }
    Site site;
    tuf::test::MemoryStore store;
    Question question{.node = {.role = "compute", .architecture = "amd64", .running = "R0.4"}, .release = {}, .now = tuf::test::day(0), .floors = {}, .stale = {}};

    Look look() {
        site.publish();
        return choose(site, store, question);
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

TEST(SecurityFloors, LetWhatIsNotOlderStart) {
    const SecurityFloors floors{{"R0", "R0.4"}};
    EXPECT_TRUE(is_allowed(floors, "R0.4"));
    EXPECT_TRUE(is_allowed(floors, "R0.10"));
    EXPECT_TRUE(is_allowed(floors, "R1.0"));
    EXPECT_FALSE(is_allowed(floors, "R0.3"));
}

} // namespace

#include <authority/ceremony.hpp>
#include <releases/carry.hpp>
#include <releases/office.hpp>

#include "cluster_releases.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::releases;
using samples::release_version;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

namespace fs = std::filesystem;

constexpr Time now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)};

std::string error_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.render();
    }
    return "no error";
}

// A release manager who has all keys.
class Releases : public testing::Test {
protected:
    Releases() {
        for (const char* role : {"train-R0", "train-R1"}) (void)authority::make_keys(keys, {.role = role, .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
        const Office office = this->office();
        (void)authority::prepare(office.policy(), office.repository(), office.desk(), now);
        sign(office);
    }

    TemporaryDirectory directory{testing::TempDir()};
    fs::path keys = directory.path() / "keys";

    [[nodiscard]] Office office() const { return {directory.path() / "releases", keys}; }
    static void sign(const Office& office) { EXPECT_THAT(office.desk().advance(authority::keys_at_hand(office.policy(), {}), now).wanted, IsEmpty()); }
    // As a cut leaves it, with one file that says nothing else than its name.
    void add(const std::string& version, const std::string& common = {}) const {
        const Office office = this->office();
        const ClusterRelease release = samples::cluster_release(version);
        edit(office, to_text(release.release.train), now, [&](tuf::Targets& targets) {
            const auto put = [&](const std::string& file, const std::string& text, Json custom) {
                auto target = office.repository().add_target_text(target_path(release.release, file), text);
                target.custom = std::move(custom);
                targets.targets.insert_or_assign(target_path(release.release, file), target);
            };
            put("release.json", cluster_release_text(release), Json{{"release", version}, {"channel", "edge"}});
            for (const auto& image : release.images)
                for (const auto& file : image.files) put(file.file, common.empty() ? file.file : common + image.role, {});
            for (const auto& file : release.evidence) put(file.file, version + file.file, {});
        });
        sign(office);
    }
    [[nodiscard]] std::vector<std::string> listed(const std::string& train) const {
        std::vector<std::string> lines;
        for (const auto& one : list(office(), train)) lines.push_back(to_text(one.release) + " " + std::string(to_string(one.channel)) + (one.revoked ? " revoked: " + *one.revoked : "") + (one.below_floor ? " below the floor" : ""));
        return lines;
    }
};

TEST_F(Releases, GoFromChannelToChannelAndKeepTheirDigest) {
    add("R0.5");
    const Digest digest = list(office(), "R0").front().digest;
    EXPECT_EQ(error_of([&] { promote(office(), release_version("R0.5"), Channel::stable, now); }),
              "cannot promote R0.5 to stable: it is in edge\n  hint: first `ashlar release promote R0.5 candidate`");
    for (const Channel channel : {Channel::candidate, Channel::stable}) {
        promote(office(), release_version("R0.5"), channel, now);
        sign(office());
    }
    EXPECT_THAT(listed("R0"), ElementsAre("R0.5 stable"));
    EXPECT_EQ(list(office(), "R0").front().digest, digest);
    EXPECT_EQ(error_of([&] { promote(office(), release_version("R0.5"), Channel::candidate, now); }),
              "cannot promote R0.5 to candidate: it is in stable\n  hint: channels follow each other: edge, candidate, stable; `ashlar release revoke` takes one back");
}

TEST_F(Releases, AreRevokedAndFallBelowAFloor) {
    for (const char* version : {"R0.5", "R0.6", "R0.10"}) add(version);
    revoke(office(), release_version("R0.6"), "it loses data", now);
    raise_floor(office(), release_version("R0.6"), now);
    EXPECT_THAT(listed("R0"), ElementsAre("R0.5 edge below the floor", "R0.6 edge revoked: it loses data", "R0.10 edge"));
    EXPECT_EQ(error_of([&] { promote(office(), release_version("R0.6"), Channel::candidate, now); }), "cannot promote R0.6: it is revoked: it loses data\n  hint: cut another release");
    EXPECT_EQ(error_of([&] { raise_floor(office(), release_version("R0.5"), now); }),
              "cannot lower the security floor of R0 from R0.6 to R0.5\n  hint: a floor is only raised: nodes keep the highest that they have seen");
    EXPECT_EQ(error_of([&] { revoke(office(), release_version("R0.7"), "x", now); }), "cannot find release R0.7\n  hint: `ashlar release list` shows what there is");
}

TEST_F(Releases, WhatIsProposedCountsBeforeItIsSigned) {
    add("R1.0");
    promote(office(), release_version("R1.0"), Channel::candidate, now);
    promote(office(), release_version("R1.0"), Channel::stable, now);
    EXPECT_THAT(listed("R1"), ElementsAre("R1.0 stable"));
    EXPECT_EQ(office().repository().version("train-R1"), 1U);
    sign(office());
    EXPECT_EQ(office().repository().version("train-R1"), 2U) << "one signature for both changes";
}

TEST_F(Releases, ADocumentThatWasChangedIsNotRead) {
    add("R0.5");
    const auto targets = office().repository().targets("train-R0").value();
    const std::string path = target_path(release_version("R0.5"), "release.json");
    write_file(office().repository().target_file(path, targets.targets.at(path)), "{}");
    EXPECT_EQ(error_of([&] { (void)load(office(), release_version("R0.5")); }),
              "cannot read 'trains/R0/R0.5/release.json': its bytes are not those that were signed\n  hint: the repository is damaged: get it from a mirror");
}

TEST_F(Releases, AManifestCarriesAReleaseAndIsMadeAnewOnlyWhenItSaysMore) {
    add("R0.5");
    const CarryOrder order{.release = release_version("R0.5"), .since = {}, .roles = {}, .now = now};
    EXPECT_TRUE(propose_manifest(office(), order));
    sign(office());
    const auto bundle = office().repository().bundle("R0").value();
    EXPECT_EQ(bundle.version, 1U);
    EXPECT_EQ(bundle.targets.size(), 14U);
    EXPECT_FALSE(propose_manifest(office(), order));
    const CarryOrder later{.release = release_version("R0.5"), .since = {}, .roles = {}, .now = now + std::chrono::days(100)};
    EXPECT_TRUE(propose_manifest(office(), later));
}

TEST_F(Releases, AManifestSinceAReleaseLeavesOutWhatHasTheSameBytes) {
    add("R0.5", "common ");
    add("R0.6", "common ");
    EXPECT_TRUE(propose_manifest(office(), {.release = release_version("R0.6"), .since = release_version("R0.5"), .roles = {}, .now = now}));
    sign(office());
    EXPECT_THAT(office().repository().bundle("R0")->targets, ElementsAre("trains/R0/R0.6/notes.md", "trains/R0/R0.6/release.json"));
}

TEST_F(Releases, AManifestOfSomeRolesHasNothingOfOthers) {
    add("R0.5");
    EXPECT_TRUE(propose_manifest(office(), {.release = release_version("R0.5"), .since = {}, .roles = {"compute"}, .now = now}));
    sign(office());
    const auto bundle = office().repository().bundle("R0").value();
    for (const auto& path : bundle.targets) EXPECT_EQ(path.find("control"), path.npos) << path;
    EXPECT_EQ(error_of([&] { (void)propose_manifest(office(), {.release = release_version("R0.5"), .since = {}, .roles = {"storage"}, .now = now}); }),
              "cannot make a bundle: R0.5 has no role 'storage'\n  hint: `ashlar release show` names its images");
    EXPECT_EQ(error_of([&] { (void)propose_manifest(office(), {.release = release_version("R0.7"), .since = {}, .roles = {}, .now = now}); }),
              "cannot make a bundle of R0.7: it is not published\n  hint: `ashlar release list` shows what there is; are signatures missing?");
}

} // namespace

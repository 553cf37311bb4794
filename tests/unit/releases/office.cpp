#include <authority/ceremony.hpp>
#include <releases/carry.hpp>
#include <releases/office.hpp>

#include "cluster_releases.hpp"
#include "error_of.hpp"

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
    void add(const std::string& version, const std::string& common = {}, const std::optional<sources::List>& sources = {}) const {
        const Office office = this->office();
        ClusterRelease release = samples::cluster_release(version);
        const std::string list = sources ? sources::to_text(*sources) : std::string();
        if (sources) release.evidence.push_back({"sources.json", list.size(), sha256(list), EvidenceKind::sources});
        edit(office, to_text(release.release.train), now, [&](tuf::Targets& targets) {
            const auto put = [&](const std::string& file, const std::string& text, Json custom) {
                auto target = office.repository().add_target_text(target_path(release.release, file), text);
                target.custom = std::move(custom);
                targets.targets.insert_or_assign(target_path(release.release, file), target);
            };
            put("release.json", cluster_release_text(release), Json{{"release", version}, {"channel", "edge"}});
            for (const auto& image : release.images)
                for (const auto& file : image.files) put(file.file, common.empty() ? file.file : common + image.role, {});
            for (const auto& file : release.evidence) put(file.file, file.kind == EvidenceKind::sources ? list : version + file.file, {});
            if (!sources) return;
            for (const auto& file : sources->files()) {
                const std::string path = source_path(release.release, file, targets);
                targets.targets.insert_or_assign(path, office.repository().add_target_text(path, content(file)));
            }
        });
        sign(office);
    }
    // Of a source file: its name, and what a test wants to be different.
    static std::string content(const sources::File& file) { return file.file + std::string(file.size - file.file.size(), '!'); }
    static sources::File source_file(const std::string& name, std::size_t more = 0) {
        sources::File file{name, name.size() + more, sha256(name)};
        file.sha256 = sha256(content(file));
        return file;
    }
    static sources::List source_list(const std::string& release, std::vector<sources::Source> all) { return {.release = release, .sources = std::move(all), .left_out = {}}; }
    [[nodiscard]] std::vector<std::string> carried() const {
        std::vector<std::string> paths;
        const auto bundle = office().repository().bundle("R0").value();
        for (const auto& path : bundle.targets)
            if (path.starts_with("trains/R0/sources/")) paths.push_back(path.substr(18));
        return paths;
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

TEST_F(Releases, ABundleWithSourcesCarriesThoseOfItsRoles) {
    const auto both = source_file("a_1.dsc"), one = source_file("b_1.dsc"), more = source_file("c_1.dsc");
    add("R0.5", "common ", source_list("R0.5", {{"a", "1", "debian", "main", {"compute", "control"}, {"a"}, {}, {both}}, {"b", "1", "debian", "main", {"control"}, {"b"}, {}, {one}}}));
    CarryOrder order{.release = release_version("R0.5"), .since = {}, .roles = {}, .sources = CarryOrder::Sources::yes, .now = now};
    const auto all = carried_sources(office(), order);
    EXPECT_EQ(all.packages, 2U);
    EXPECT_EQ(all.files, 2U);
    EXPECT_EQ(all.bytes, 14U);
    EXPECT_TRUE(propose_manifest(office(), order));
    sign(office());
    EXPECT_THAT(carried(), ElementsAre("a_1.dsc", "b_1.dsc"));
    EXPECT_FALSE(propose_manifest(office(), order));
    order.roles = {"compute"};
    EXPECT_EQ(carried_sources(office(), order).packages, 1U);
    EXPECT_TRUE(propose_manifest(office(), order));
    sign(office());
    EXPECT_THAT(carried(), ElementsAre("a_1.dsc"));
    order.sources = CarryOrder::Sources::no;
    EXPECT_TRUE(propose_manifest(office(), order)) << "without sources it is another bundle";
    sign(office());
    EXPECT_THAT(carried(), IsEmpty());

    // The next release shares a file with it; the manifest names both, and carries what is new.
    add("R0.6", "common ", source_list("R0.6", {{"a", "1", "debian", "main", {"compute"}, {"a"}, {}, {both}}, {"c", "1", "debian", "main", {"compute"}, {"c"}, {}, {more}}}));
    const CarryOrder next{.release = release_version("R0.6"), .since = release_version("R0.5"), .roles = {}, .sources = CarryOrder::Sources::yes, .now = now};
    EXPECT_EQ(carried_sources(office(), next).bytes, 14U);
    EXPECT_EQ(carried_sources(office(), next).carried, 7U);
    EXPECT_TRUE(propose_manifest(office(), next));
    sign(office());
    EXPECT_THAT(carried(), ElementsAre("c_1.dsc"));
    const Json manifest = tuf::parse_envelope(*office().repository().text("bundle-R0"), "bundle").signed_part;
    EXPECT_EQ(manifest.at("sources"), (Json{"trains/R0/sources/a_1.dsc", "trains/R0/sources/c_1.dsc"}));
}

TEST_F(Releases, SourcesOfAReleaseThatHasNoneCannotBeCarried) {
    add("R0.5");
    EXPECT_EQ(error_of([&] { (void)propose_manifest(office(), {.release = release_version("R0.5"), .since = {}, .roles = {}, .sources = CarryOrder::Sources::yes, .now = now}); }),
              "cannot carry the sources of R0.5: it was cut without them\n"
              "  hint: `ashlar release cut RELEASE --sources` keeps them; a release that is published is not changed: cut the next one so");
}

TEST_F(Releases, TwoSourceFilesOfOneNameAreTwoTargets) {
    const auto first = source_file("a_1.orig.tar.xz"), second = source_file("a_1.orig.tar.xz", 1);
    add("R0.5", {}, source_list("R0.5", {{"a", "1-1", "debian", "main", {"control"}, {"a"}, {}, {first}}, {"a", "1-1~x", "other", "main", {"control"}, {"a"}, {}, {second}}}));
    EXPECT_TRUE(propose_manifest(office(), {.release = release_version("R0.5"), .since = {}, .roles = {}, .sources = CarryOrder::Sources::yes, .now = now}));
    sign(office());
    const auto paths = carried();
    ASSERT_EQ(paths.size(), 2U);
    const auto targets = office().repository().targets("train-R0").value();
    for (const auto& file : {first, second}) EXPECT_EQ(targets.targets.at(source_path(release_version("R0.5"), file, targets)).sha256(), file.sha256);
}

TEST_F(Releases, ImagesThatAreComparedWithAreThoseThatWereReleased) {
    add("R0.5");
    const auto release = samples::cluster_release("R0.5");
    const fs::path place = office().images("R0.5");
    fs::create_directories(place);
    const std::string name = "ashlar_compute_R0.5_amd64.manifest.json";
    const std::string hint = fmt::format("\n  hint: put it back from the repository, where it is {}/repository/targets/trains/R0/R0.5/{}.{}", (directory.path() / "releases").native(), sha256(name).hex(), name);
    EXPECT_EQ(error_of([&] { require_images_as_released(office(), release_version("R0.5")); }), fmt::format("cannot compare with R0.5: '{}' is not there", (place / name).native()) + hint);
    for (const auto& image : release.images)
        for (const auto& file : image.files) write_file(place / file.file, file.file); // the sample's digests are those of the names
    EXPECT_EQ(error_of([&] { require_images_as_released(office(), release_version("R0.5")); }), "no error");
    write_file(place / name, "{}");
    EXPECT_EQ(error_of([&] { require_images_as_released(office(), release_version("R0.5")); }), fmt::format("cannot compare with R0.5: '{}' is not the one that was released", (place / name).native()) + hint);
    // What is only fetched is not compared with.
    write_file(place / name, name);
    write_file(place / "ashlar_compute_R0.5_amd64.full", "other");
    EXPECT_EQ(error_of([&] { require_images_as_released(office(), release_version("R0.5")); }), "no error");
}

} // namespace

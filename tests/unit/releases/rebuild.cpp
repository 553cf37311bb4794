#include "manager.hpp"

#include <releases/carry.hpp>
#include <releases/rebuild.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::releases;
using samples::release_version;
using testing::HasSubstr;

namespace {

namespace fs = std::filesystem;

const ReleaseVersion r1 = release_version("R1.0");

// What a stranger sees of a release.
class Published : public Manager {
protected:
    Published() { add("R1.0"); }
    [[nodiscard]] fs::path repository() const { return office().repository().directory(); }
    [[nodiscard]] std::string root(std::uint64_t version = 1) const { return office().repository().root_text(version); }
    [[nodiscard]] PublishedRelease published(std::uint64_t version = 1, const ReleaseVersion& release = r1) const { return {repository(), root(version), release, now}; }
    [[nodiscard]] std::string refused(const ReleaseVersion& release = r1) const {
        return error_of([&] { (void)published(1, release); });
    }
    // Where a file of the release lies.
    [[nodiscard]] fs::path place_of(const std::string& file) const {
        const std::string path = target_path(r1, file);
        return office().repository().target_file(path, office().repository().targets("train-R1")->targets.at(path));
    }
    void rotate_root() const {
        (void)authority::replace_key(keys, "snapshot", office().policy().role("snapshot").keys.front(), SignatureScheme::ed25519, {});
        hold_ceremony(now);
    }
};

TEST_F(Published, IsReadAsItsTrainHasSignedIt) {
    const PublishedRelease release = published();
    EXPECT_EQ(release.document(), parse_cluster_release(cluster_release_text(samples::cluster_release("R1.0")), "R1.0"));
    EXPECT_EQ(release.digest(), list(office(), "R1").front().digest);
    EXPECT_EQ(release.text("notes.md"), "notes.md");
}

TEST_F(Published, AMirrorThatHasABundlesManifestAloneWillDo) {
    EXPECT_TRUE(propose_manifest(office(), {.release = r1, .since = {}, .roles = {}, .now = now}));
    sign(office());
    fs::remove(repository() / "metadata/timestamp.json");
    EXPECT_EQ(published().text("notes.md"), "notes.md");
}

TEST_F(Published, WhatIsNotAsItWasSignedIsRefused) {
    write_file(place_of("notes.md"), "notes.mD");
    EXPECT_THAT(error_of([&] { (void)published().text("notes.md"); }), HasSubstr("trains/R1/R1.0/notes.md"));
    fs::remove(place_of("notes.md"));
    EXPECT_THAT(error_of([&] { (void)published().text("notes.md"); }), HasSubstr("cannot read 'notes.md': '"));
    EXPECT_EQ(error_of([&] { (void)published().text("other"); }), "cannot read 'other': the release's metadata does not name it\n  hint: get the repository again from where it is published");
    write_file(place_of("release.json"), "{}");
    EXPECT_THAT(refused(), HasSubstr("trains/R1/R1.0/release.json"));
}

TEST_F(Published, ByOtherKeysIsRefused) {
    const TemporaryDirectory other{testing::TempDir()};
    (void)authority::make_keys(other.path() / "keys", {.role = "root", .passphrase = {}});
    const Office stranger(other.path() / "releases", other.path() / "keys");
    (void)authority::prepare(stranger.policy(), stranger.repository(), stranger.desk(), now);
    sign(stranger);
    EXPECT_THAT(error_of([&] { (void)PublishedRelease(repository(), stranger.repository().root_text(1), r1, now); }), HasSubstr("cannot trust "));
}

TEST_F(Published, WhatIsNotThereAndWhatIsRevokedIsNotBuiltAgain) {
    EXPECT_EQ(refused(release_version("R1.7")), fmt::format("cannot rebuild R1.7: '{}' has no such release\n"
                                                            "  hint: `ashlar release list` shows what there is where it was cut; is the copy of the repository old?",
                                                            repository().native()));
    revoke(office(), r1, "it loses data", now);
    sign(office());
    EXPECT_EQ(refused(), "cannot rebuild R1.0: it is revoked: it loses data\n  hint: nobody installs it any more");
}

TEST_F(Published, TheRootOfItsImagesIsFoundInTheChainThatIsTrusted) {
    rotate_root();
    ASSERT_EQ(office().repository().version("root"), 2U);
    const Digest first = sha256(root(1)), second = sha256(root(2));
    EXPECT_EQ(published(1).root_file(first), repository() / "metadata/1.root.json");
    EXPECT_EQ(published(1).root_file(second), repository() / "metadata/2.root.json");
    EXPECT_EQ(published(2).root_file(second), repository() / "metadata/2.root.json");
    EXPECT_EQ(error_of([&] { (void)published(2).root_file(first); }),
              fmt::format("cannot find the root of release metadata that the images bring, sha256:{}: it is not among the trusted one, version 2, and those that follow it\n"
                          "  hint: when the images are older than that root, trust an older one: --root FILE",
                          first.hex()));
}

TEST_F(Published, AConfirmationOfItNamesAllOfIt) {
    const SigningKey key = SigningKey::generate(SignatureScheme::ed25519);
    const auto said = confirmation_for(published(), key.verifying_key(), now);
    EXPECT_EQ(said.release, r1);
    EXPECT_EQ(said.document, list(office(), "R1").front().digest);
    EXPECT_EQ(said.images, confirmation::images_of(samples::cluster_release("R1.0")));
    EXPECT_EQ(said.key, key.verifying_key());
}

} // namespace

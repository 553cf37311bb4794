// What firmware is told of a train's revoked releases: signed here, or by whoever has KEK.

#include <authority/ceremony.hpp>
#include <releases/carry.hpp>
#include <releases/revocation.hpp>
#include <requests/request.hpp>
#include <signing/authenticode.hpp>
#include <signing/key_set.hpp>

#include "../signing/samples.hpp"
#include "cluster_releases.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::releases;
using samples::release_version;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using State = FirmwareRevocation::State;

namespace {

namespace fs = std::filesystem;

constexpr Time now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)};

// Made once: RSA keys are slow to make.
const fs::path& firmware_keys() {
    static const TemporaryDirectory directory{testing::TempDir()};
    static const fs::path keys = [] {
        create_key_set(directory.path() / "keys", {.organisation = "Example", .not_before = now - std::chrono::days(1), .not_after = now + std::chrono::days(365)});
        return directory.path() / "keys";
    }();
    return keys;
}

class Firmware : public testing::Test {
protected:
    Firmware() {
        fs::copy(firmware_keys(), keys);
        (void)authority::make_keys(keys, {.role = "train-R0", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
        const Office office = this->office();
        (void)authority::prepare(office.policy(), office.repository(), office.desk(), now);
        sign();
        for (const char* version : {"R0.5", "R0.6", "R0.7"}) add(version);
    }

    [[nodiscard]] Office office() const { return {directory.path() / "releases", keys}; }
    void sign() const { EXPECT_THAT(office().desk().advance(authority::keys_at_hand(office().policy(), {}), now).wanted, IsEmpty()); }
    static Bytes uki(const std::string& file) { return samples::efi_image("sbat,1," + file + "\n"); }
    static Digest image(const std::string& role, const std::string& version) {
        const std::string file = "ashlar_" + role + "_" + version + "_amd64.efi";
        return request_authenticode(uki(file), file).image;
    }
    static std::vector<Digest> images(const std::vector<std::string>& versions) {
        std::vector<Digest> all;
        for (const auto& version : versions)
            for (const char* role : {"compute", "control"}) all.push_back(image(role, version));
        std::ranges::sort(all);
        return all;
    }
    // As a cut leaves it.
    void add(const std::string& version) const {
        const ClusterRelease release = samples::cluster_release(version);
        edit(office(), "R0", now, [&](tuf::Targets& targets) {
            const auto put = [&](const std::string& file, const std::string& text, Json custom) {
                auto target = office().repository().add_target_text(target_path(release.release, file), text);
                target.custom = std::move(custom);
                targets.targets.insert_or_assign(target_path(release.release, file), target);
            };
            put("release.json", cluster_release_text(release), Json{{"release", version}, {"channel", "edge"}});
            for (const auto& image : release.images)
                for (const auto& file : image.files) put(file.file, file.kind == FileKind::uki ? std::string(text_of(uki(file.file))) : file.file, {});
            for (const auto& file : release.evidence) put(file.file, version + file.file, {});
        });
        sign();
    }
    [[nodiscard]] FirmwareRevocation tell() const { return revoke_in_firmware(office(), "R0", keys, now); }
    [[nodiscard]] std::optional<std::string> update() const { return target_text(office(), "R0", revocation_path("R0")); }
    static std::string update_of(const std::vector<Digest>& images) {
        const EnrolmentKeys all = load_enrolment_keys(firmware_keys(), now);
        return std::string(text_of(make_revocation(all, images, now)));
    }
    void answer(const fs::path& request, const fs::path& key) const {
        const auto holder = std::make_shared<const PrivateKey>(PrivateKey::load(key));
        write_file(requests::answer_path(request), requests::text_of(requests::make_answer(requests::read_request(request), std::shared_ptr<const Signer>(holder), "request")));
    }

    TemporaryDirectory directory{testing::TempDir()};
    fs::path keys = directory.path() / "keys";
};

TEST_F(Firmware, IsToldOfNothingWhereNothingIsRevoked) {
    EXPECT_EQ(tell().state, State::nothing);
    EXPECT_EQ(update(), std::nullopt);
}

TEST_F(Firmware, IsToldOfEachImageOfWhatIsRevokedOrBelowTheFloor) {
    revoke(office(), release_version("R0.6"), "it loses data", now);
    EXPECT_EQ(tell().state, State::complete);
    sign();
    EXPECT_EQ(update(), update_of(images({"R0.6"})));

    raise_floor(office(), release_version("R0.7"), now);
    const auto told = tell();
    EXPECT_EQ(told.images, 4U);
    sign();
    EXPECT_EQ(update(), update_of(images({"R0.5", "R0.6"}))) << "all that was ever revoked: a node takes the newest update alone";
    const auto version = office().repository().version("train-R0");
    EXPECT_EQ(tell().state, State::complete);
    EXPECT_EQ(office().repository().version("train-R0"), version) << "nothing to sign";
    EXPECT_EQ(office().desk().proposed("train-R0"), std::nullopt);
}

TEST_F(Firmware, IsToldAgainWhenKekIsAnotherOne) {
    revoke(office(), release_version("R0.6"), "it loses data", now);
    (void)tell();
    sign();
    const auto before = update();
    for (const char* ending : {".key", ".pem"}) fs::copy_file(firmware_keys() / (std::string("PK") + ending), keys / (std::string("KEK") + ending), fs::copy_options::overwrite_existing);
    EXPECT_EQ(tell().state, State::complete);
    EXPECT_NE(update(), before);
}

TEST_F(Firmware, IsAskedForWhereKekIsElsewhere) {
    fs::remove(keys / "KEK.key");
    revoke(office(), release_version("R0.6"), "it loses data", now);
    const auto told = tell();
    ASSERT_EQ(told.state, State::asked);
    sign();
    EXPECT_TRUE(list(office(), "R0")[1].revoked) << "metadata does not wait for it";
    EXPECT_EQ(update(), std::nullopt);
    const auto request = requests::parse_request(requests::read_request(told.request), "request");
    EXPECT_EQ(request.kind, requests::Kind::uefi_variable);
    EXPECT_THAT(requests::describe(request), Contains("image " + image("compute", "R0.6").hex()));
    EXPECT_EQ(take_firmware_answers(office(), keys, now).front().state, State::asked);

    answer(told.request, firmware_keys() / "KEK.key");
    EXPECT_EQ(take_firmware_answers(office(), keys, now).front().state, State::complete);
    sign();
    EXPECT_EQ(update(), update_of(images({"R0.6"}))) << "the bytes that the key would have made here";
    EXPECT_FALSE(fs::exists(told.request));
    EXPECT_THAT(take_firmware_answers(office(), keys, now), IsEmpty());
}

// An answer is for the images that were asked for, and by KEK.
TEST_F(Firmware, TakesNoOtherAnswer) {
    fs::remove(keys / "KEK.key");
    revoke(office(), release_version("R0.6"), "it loses data", now);
    const auto first = tell();
    answer(first.request, firmware_keys() / "KEK.key");
    revoke(office(), release_version("R0.5"), "so does that", now);
    EXPECT_EQ(tell().state, State::asked);
    EXPECT_FALSE(fs::exists(requests::answer_path(first.request)));
    EXPECT_EQ(update(), std::nullopt);

    EXPECT_ANY_THROW(answer(first.request, firmware_keys() / "PK.key"));
    write_file(requests::answer_path(first.request), requests::text_of(requests::SigningAnswer{sha256(requests::read_request(first.request)),
                                                                                                 PrivateKey::load(firmware_keys() / "KEK.key").public_key().fingerprint(), Bytes(256, std::byte{1})}));
    EXPECT_THROW((void)take_firmware_answers(office(), keys, now), Error);
    EXPECT_EQ(update(), std::nullopt);
}

TEST_F(Firmware, MissesWhatItNeedsBeforeAnythingIsAsked) {
    revoke(office(), release_version("R0.6"), "it loses data", now);
    for (const char* file : {"KEK.pem", "owner"}) fs::remove(keys / file);
    try {
        (void)tell();
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.message(), HasSubstr("KEK.pem, owner are missing"));
    }
}

TEST_F(Firmware, AnUpdateGoesAlongInEveryBundle) {
    const auto carried = [&](const CarryOrder& order) {
        EXPECT_TRUE(propose_manifest(office(), order));
        sign();
        return office().repository().bundle("R0")->targets;
    };
    EXPECT_THAT(carried({.release = release_version("R0.7"), .since = {}, .roles = {}, .now = now}), Not(Contains(revocation_path("R0"))));
    revoke(office(), release_version("R0.6"), "it loses data", now);
    (void)tell();
    sign();
    EXPECT_THAT(carried({.release = release_version("R0.7"), .since = {}, .roles = {}, .now = now}), Contains(revocation_path("R0")));
    EXPECT_THAT(carried({.release = release_version("R0.7"), .since = release_version("R0.5"), .roles = {"compute"}, .now = now}), Contains(revocation_path("R0")));
}

} // namespace

// What a cut asks of its keys before anything is fetched or built.

#include <authority/ceremony.hpp>
#include <releases/cut.hpp>

#include "cluster_releases.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::releases;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

namespace fs = std::filesystem;

constexpr Time now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)};

class CutPreflight : public testing::Test {
protected:
    CutPreflight() {
        create_key_set(keys, {.organisation = "Example", .not_before = now - std::chrono::days(1), .not_after = now + std::chrono::days(20)});
        (void)authority::make_keys(keys, {.role = "train-R1", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
        const Office office = this->office();
        (void)authority::prepare(office.policy(), office.repository(), office.desk(), now);
        (void)office.desk().advance(authority::keys_at_hand(office.policy(), {}), now);
        train.support = Support{.from = std::chrono::floor<std::chrono::days>(now), .until = std::chrono::floor<std::chrono::days>(now) + std::chrono::days(500)};
    }
    [[nodiscard]] Office office() const { return {directory.path() / "releases", keys}; }
    [[nodiscard]] std::string refused(Time when = now) const {
        try {
            require_ready(office(), keys, train, samples::release_version("R1.0"), when);
        } catch (const Error& error) {
            return error.render();
        }
        return "no error";
    }

    TemporaryDirectory directory{testing::TempDir()};
    fs::path keys = directory.path() / "keys";
    recipe::Train train;
};

} // namespace

TEST_F(CutPreflight, PrivateKeysMayBeElsewhere) {
    EXPECT_EQ(refused(), "no error");
    for (const char* name : {"db.key", "pcr.key", "PK.key", "PK.pem", "KEK.key", "KEK.pem", "owner"}) {
        fs::remove(keys / name);
        EXPECT_EQ(refused(), "no error") << name;
    }
}

TEST_F(CutPreflight, WhatIsPublicMustBeThereAndFit) {
    for (const char* name : {"db.key", "pcr.key"}) fs::remove(keys / name);
    const std::string key = read_file(keys / "pcr.pem");
    write_file(keys / "pcr.pem", "nonsense");
    EXPECT_THAT(refused(), HasSubstr("cannot cut R1.0: cannot read the public key '" + (keys / "pcr.pem").native() + "'"));
    fs::remove(keys / "pcr.pem");
    EXPECT_EQ(refused(), "cannot cut R1.0: cannot load the key set '" + keys.native() + "': pcr.pem is missing\n  hint: `ashlar key new --keys '" + keys.native() +
                             "'` makes a key set; --keys names another");
    write_file(keys / "pcr.pem", key);
    fs::remove(keys / "db.pem");
    EXPECT_THAT(refused(), HasSubstr("': db.pem is missing\n"));
}

TEST_F(CutPreflight, ACertificateThatEndsSoonIsSaidBeforeTheBuild) {
    const std::string hint = "\n  hint: make a new key set with `ashlar key new`; docs/guides/secure-boot.md says how servers come to trust it";
    for (const bool at_hand : {true, false}) {
        if (!at_hand) fs::remove(keys / "db.key");
        EXPECT_THAT(refused(now + std::chrono::days(5)), Not(HasSubstr("db.pem"))) << at_hand;
        EXPECT_THAT(refused(now + std::chrono::days(7)), HasSubstr("the certificate '" + (keys / "db.pem").native() + "' expires on 2026-12-20")) << at_hand;
        EXPECT_THAT(refused(now + std::chrono::days(21)), HasSubstr("cannot use the certificate '" + (keys / "db.pem").native() + "': it expired at 2026-12-20 00:00:00 UTC")) << at_hand;
    }
    EXPECT_THAT(image_key_obstacles(keys, now), IsEmpty());
}

TEST_F(CutPreflight, RequestsOfACutThatIsGivenUpDoNotStay) {
    const Office office = this->office();
    fs::create_directories(office.requests());
    for (const char* name : {"image_R1.0_compute_UKI.request.json", "image_R1.1_compute_UKI.request.json", "image_R1.1_compute_UKI.answer.json", "train-R1.train-R1-1.request.json"})
        write_file(office.requests() / name, "{}");
    fs::create_directories(office.cut("R1.0"));
    write_file(office.cut("R1.0") / "lock", "lock");
    remove_idle_requests(office);
    EXPECT_TRUE(fs::exists(office.requests() / "image_R1.0_compute_UKI.request.json"));
    EXPECT_TRUE(fs::exists(office.requests() / "train-R1.train-R1-1.request.json"));
    EXPECT_FALSE(fs::exists(office.requests() / "image_R1.1_compute_UKI.request.json"));
    EXPECT_FALSE(fs::exists(office.requests() / "image_R1.1_compute_UKI.answer.json"));
}

#include <authority/ceremony.hpp>
#include <authority/desk.hpp>
#include <authority/policy.hpp>
#include <authority/repository.hpp>

#include "error_of.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <requests/request.hpp>
#include <tuf/updater.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::authority;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

namespace fs = std::filesystem;

constexpr Time now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 30)};

std::vector<std::string> roles_of(const std::vector<Published>& published) {
    std::vector<std::string> roles;
    for (const auto& one : published) roles.push_back(one.role + " " + std::to_string(one.version));
    return roles;
}
std::vector<std::string> keys_of(const std::vector<Wanted>& wanted) {
    std::vector<std::string> keys;
    for (const auto& one : wanted) keys.push_back(one.role + " by " + one.key);
    return keys;
}

// A release manager with a repository.
class Office : public testing::Test {
protected:
    TemporaryDirectory directory{testing::TempDir()};
    fs::path keys = directory.path() / "keys", desk_place = directory.path() / "desk";
    Repository repository{directory.path() / "repository"};

    [[nodiscard]] Policy policy() const { return Policy::load(keys); }
    // Everything that can be done with these private keys.
    Advance ceremony(const std::vector<std::shared_ptr<const MessageSigner>>& signers, Time time = now) const {
        const Policy policy = this->policy();
        const Desk desk(desk_place, policy, repository);
        (void)prepare(policy, repository, desk, time);
        return desk.advance(signers, time);
    }
    Advance ceremony_by_all(Time time = now) const { return ceremony(keys_at_hand(policy(), {}), time); }
    // Answers every request on the desk with the key of its name.
    void answer_all() const {
        for (const auto& file : requests::request_files(desk_place / "requests")) {
            const std::string text = read_file(file);
            const auto request = requests::parse_request(text, file.native());
            const auto key = std::make_shared<const SigningKey>(SigningKey::load(keys / "trust" / (request.role + ".key")));
            write_file(requests::answer_path(file), requests::text_of(requests::make_answer(text, std::shared_ptr<const MessageSigner>(key), file.native())));
        }
    }
    void publish_train(const std::string& train, const std::string& path, std::string_view content) const {
        const Policy policy = this->policy();
        const Desk desk(desk_place, policy, repository);
        const std::string role = "train-" + train;
        tuf::Targets targets = repository.targets(role).value_or(tuf::Targets{});
        static_cast<tuf::Common&>(targets) = next(repository, policy.role(role), now);
        targets.targets.emplace(path, repository.add_target_text(path, content));
        desk.propose(role, tuf::json_of(targets));
        EXPECT_THAT(keys_of(desk.advance(keys_at_hand(policy, {}), now).wanted), IsEmpty());
    }
    // What a client of today gets of a target, with nothing but the first root to begin with.
    std::string fetched(const std::string& path, Time time = now) const {
        const TemporaryDirectory store_place{testing::TempDir()};
        tuf::DirectoryStore store(store_place.path());
        store.save("root", repository.root_text(1));
        tuf::DirectoryRepository source(repository.directory() / "metadata");
        tuf::Updater updater(source, store, {.now = time, .train = {}, .stale = {}});
        updater.refresh();
        const auto found = updater.find(path);
        return found ? read_file(repository.target_file(path, found->target)) : "nothing";
    }
};

TEST_F(Office, AFirstKeyMakesOneForEveryTopRole) {
    EXPECT_THAT(make_keys(keys, {.role = "root", .scheme = SignatureScheme::ed25519, .count = 2, .passphrase = {}}), ElementsAre("root-1", "root-2", "targets-1", "snapshot-1", "timestamp-1", "bundle-1"));
    EXPECT_EQ(policy().role("root").keys, (std::vector<std::string>{"root-1", "root-2"}));
    EXPECT_EQ(policy().role("bundle").lifetime, std::chrono::days(180));
    EXPECT_THAT(make_keys(keys, {.role = "train-R0", .scheme = SignatureScheme::ecdsa_p384, .count = 3, .passphrase = {}}), ElementsAre("train-R0-1", "train-R0-2", "train-R0-3"));
    EXPECT_EQ(policy().role("train-R0").threshold, 2U);
    EXPECT_EQ(policy().key("train-R0-1").scheme(), SignatureScheme::ecdsa_p384);
    EXPECT_EQ(fs::status(keys / "trust/root-1.key").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Office, WhatIsWrongInThePolicyIsShownAtItsPlace) {
    make_keys(keys, {.role = "root", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
    const std::string good = read_file(Policy::file_in(keys));
    write_file(Policy::file_in(keys), good + "\n[[role]]\nname = \"train R1\"\nkeys = [\"nobody\"]\n");
    const std::string error = error_of([&] { (void)policy(); });
    EXPECT_THAT(error, HasSubstr("'train R1' is not a role"));
    EXPECT_THAT(error, HasSubstr("nobody.pub' is not there"));
    write_file(Policy::file_in(keys), good + "\n[[role]]\nname = \"train-R1\"\nkeys = [\"root-1\"]\nthreshold = 2\n");
    EXPECT_THAT(error_of([&] { (void)policy(); }), HasSubstr("expected a whole number from 1 to 1"));
}

TEST_F(Office, RebuildersAreKeysAndAThresholdAndNoRoleOfMetadata) {
    EXPECT_THAT(make_keys(keys, {.role = "rebuilders", .scheme = SignatureScheme::ed25519, .count = 3, .passphrase = {}}),
                ElementsAre("root-1", "targets-1", "snapshot-1", "timestamp-1", "bundle-1", "rebuilder-1", "rebuilder-2", "rebuilder-3"));
    EXPECT_EQ(policy().role("rebuilders").threshold, 2U);
    EXPECT_THAT(roles_of(ceremony_by_all().published), ElementsAre("root 1", "targets 1", "snapshot 1", "timestamp 1"));
    EXPECT_THAT(repository.targets("targets")->delegations, IsEmpty());
    EXPECT_FALSE(repository.root()->keys.contains(tuf::id_of(policy().key("rebuilder-1"))));
    const std::string good = read_file(Policy::file_in(keys));
    write_file(Policy::file_in(keys), good + "days = 7\n");
    EXPECT_THAT(error_of([&] { (void)policy(); }), HasSubstr("what rebuilders sign has no end"));
}

TEST_F(Office, KeysOfOthersAreTakenInUnderTheirNames) {
    make_keys(keys, {.role = "root", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
    const auto acme = SigningKey::generate(SignatureScheme::ed25519).verifying_key(), example = SigningKey::generate(SignatureScheme::ecdsa_p384).verifying_key();
    const auto take = [&](const std::map<std::string, VerifyingKey>& others) { return make_keys(keys, {.role = "rebuilders", .passphrase = {}, .others = others}); };
    EXPECT_THAT(take({{"acme", acme}}), ElementsAre("acme"));
    EXPECT_THAT(take({{"example.org", example}}), ElementsAre("example.org"));
    EXPECT_EQ(policy().role("rebuilders").keys, (std::vector<std::string>{"acme", "example.org"}));
    EXPECT_EQ(policy().key("acme"), acme);
    EXPECT_FALSE(fs::exists(keys / "trust/acme.key"));
    const std::string before = read_file(Policy::file_in(keys));
    EXPECT_EQ(error_of([&] { take({{"other", acme}}); }), "cannot add the key 'other': it is the key 'acme'\n  hint: a threshold counts keys that differ");
    const auto fresh = SigningKey::generate(SignatureScheme::ed25519).verifying_key();
    EXPECT_EQ(error_of([&] { take({{"a", fresh}, {"b", fresh}}); }), "cannot add the key 'b': it is the key 'a'\n  hint: a threshold counts keys that differ");
    EXPECT_EQ(error_of([&] { take({{"acme", fresh}}); }), "cannot add the key 'acme': there is one of that name\n  hint: give its file another name");
    EXPECT_EQ(error_of([&] { take({{"a b", fresh}}); }), "cannot add the key 'a b': that is not the name of a key\n  hint: name its file with letters, digits, '-' and '.', and .pub");
    EXPECT_EQ(read_file(Policy::file_in(keys)), before);
    write_file(directory.path() / "a.pub", "nonsense");
    EXPECT_EQ(error_of([&] { (void)read_public_key(directory.path() / "a.pub"); }),
              fmt::format("cannot read '{}': it is not an Ed25519, P-256 or P-384 public key in PEM form\n  hint: `openssl pkey -in KEY -pubout` writes the public half of a key", (directory.path() / "a.pub").native()));
}

TEST_F(Office, ACeremonyWithAllKeysAtHandPublishesRootAndTargets) {
    make_keys(keys, {.role = "train-R0", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
    EXPECT_THAT(roles_of(ceremony_by_all().published), ElementsAre("root 1", "targets 1", "snapshot 1", "timestamp 1"));
    const auto again = ceremony_by_all();
    EXPECT_THAT(again.published, IsEmpty());
    EXPECT_THAT(again.wanted, IsEmpty());
    EXPECT_THAT(obstacles(policy(), repository, "R0", now), IsEmpty());
}

TEST_F(Office, AClientGetsWhatATrainPublished) {
    make_keys(keys, {.role = "train-R0", .scheme = SignatureScheme::ecdsa_p256, .count = 1, .passphrase = {}});
    (void)ceremony_by_all();
    publish_train("R0", "trains/R0/R0.0/release.json", "content");
    EXPECT_EQ(fetched("trains/R0/R0.0/release.json"), "content");
    EXPECT_EQ(fetched("trains/R0/R0.1/release.json"), "nothing");
}

TEST_F(Office, KeysThatAreElsewhereAnswerRequests) {
    make_keys(keys, {.role = "root", .scheme = SignatureScheme::ed25519, .count = 3, .passphrase = {}});
    EXPECT_THAT(keys_of(ceremony({}).wanted), ElementsAre("root by root-1", "root by root-2", "root by root-3"));
    answer_all();
    EXPECT_THAT(roles_of(ceremony({}).published), ElementsAre("root 1"));
    answer_all();
    EXPECT_THAT(roles_of(ceremony({}).published), ElementsAre("targets 1"));
    answer_all();
    answer_all();
    EXPECT_THAT(roles_of(ceremony({}).published), ElementsAre("snapshot 1"));
    answer_all();
    EXPECT_THAT(roles_of(ceremony({}).published), ElementsAre("timestamp 1"));
    EXPECT_THAT(requests::request_files(desk_place / "requests"), IsEmpty());
}

TEST_F(Office, AnAnswerThatIsNotRightIsRefusedAndNothingChanges) {
    make_keys(keys, {.role = "root", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
    (void)ceremony({});
    answer_all();
    const fs::path answer = desk_place / "requests/root.root-1.answer.json";
    std::string text = read_file(answer);
    const auto at = text.find("\"signature\": \"") + 20;
    text[at] = text[at] == 'A' ? 'B' : 'A';
    write_file(answer, text);
    EXPECT_THAT(error_of([&] { (void)ceremony({}); }), HasSubstr("cannot use the answer"));
    EXPECT_FALSE(repository.root());
}

TEST_F(Office, ARotatedKeyNeedsTheOldRootAndTheNewOne) {
    make_keys(keys, {.role = "train-R0", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
    (void)ceremony_by_all();
    publish_train("R0", "trains/R0/R0.0/release.json", "content");
    for (const char* role : {"root", "targets", "snapshot", "timestamp", "train-R0"}) {
        const Policy before = policy();
        const std::string old = before.role(role).keys.front();
        replace_key(keys, role, old, SignatureScheme::ed25519, {});
        auto signers = keys_at_hand(policy(), {});
        signers.push_back(std::make_shared<const SigningKey>(SigningKey::load(keys / "trust" / (old + ".key"))));
        EXPECT_THAT(keys_of(ceremony(signers).wanted), IsEmpty()) << role;
        EXPECT_EQ(fetched("trains/R0/R0.0/release.json"), "content") << role;
        EXPECT_THAT(ceremony_by_all().published, IsEmpty()) << role;
    }
}

TEST_F(Office, MetadataThatGetsOldIsSignedAgain) {
    make_keys(keys, {.role = "train-R0", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
    (void)ceremony_by_all();
    publish_train("R0", "trains/R0/R0.0/release.json", "content");
    const Time later = now + std::chrono::days(360);
    EXPECT_THAT(obstacles(policy(), repository, "R0", later),
                testing::Contains(Obstacle{"the metadata of 'targets' expires on 2027-11-30", "`ashlar key ceremony` signs it again"}));
    EXPECT_THAT(roles_of(ceremony_by_all(later).published), ElementsAre("targets 2", "train-R0 2", "snapshot 3", "timestamp 3"));
    EXPECT_EQ(fetched("trains/R0/R0.0/release.json", later), "content");
}

TEST_F(Office, WhatACutNeedsIsSaidBeforeIt) {
    make_keys(keys, {.role = "root", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
    EXPECT_THAT(obstacles(policy(), repository, "R1", now), ElementsAre(Obstacle{"there is no key for train R1", "`ashlar key new train-R1`, then `ashlar key ceremony`"},
                                                                        Obstacle{"there is no root", "`ashlar key ceremony` makes it"}, Obstacle{"there is no targets role", "`ashlar key ceremony` makes it"}));
    (void)ceremony_by_all();
    make_keys(keys, {.role = "train-R1", .scheme = SignatureScheme::ed25519, .count = 1, .passphrase = {}});
    EXPECT_THAT(obstacles(policy(), repository, "R1", now), ElementsAre(Obstacle{"trust.toml is not in force: targets delegates otherwise", "`ashlar key ceremony`"}));
}

} // namespace

#include "manager.hpp"

#include <releases/carry.hpp>
#include <releases/confirmations.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::releases;
using confirmation::Confirmation;
using samples::release_version;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

const ReleaseVersion r1 = release_version("R1.0");

// Two of three rebuilders are wanted.
class Confirmations : public Manager {
protected:
    Confirmations() {
        (void)authority::make_keys(keys, {.role = "rebuilders", .scheme = SignatureScheme::ecdsa_p256, .count = 3, .passphrase = {}});
        add("R1.0");
    }
    [[nodiscard]] static Confirmation said(const VerifyingKey& key) {
        const ClusterRelease release = samples::cluster_release("R1.0");
        return {.release = release.release, .document = sha256(cluster_release_text(release)), .images = confirmation::images_of(release), .ashlar = "0.1.0", .issued = now, .key = key};
    }
    [[nodiscard]] static Offered signed_by(const SigningKey& key, const Confirmation& said) { return {"c.json", confirmation::text_of(said, key.sign(bytes_of(confirmation::message_of(said))))}; }
    [[nodiscard]] SigningKey key(const std::string& name) const { return SigningKey::load(office().policy().private_file(name)); }
    [[nodiscard]] Offered by(const std::string& name, const std::function<void(Confirmation&)>& change = [](Confirmation&) {}) const {
        const SigningKey signer = key(name);
        Confirmation confirmation = said(signer.verifying_key());
        change(confirmation);
        return signed_by(signer, confirmation);
    }
    // What it did, by key.
    std::vector<std::string> take(const std::vector<Offered>& offered) const {
        std::vector<std::string> lines;
        for (const auto& one : confirm(office(), offered, now)) lines.push_back(one.key + (one.change == Taken::Change::made ? " made" : " none"));
        sign(office());
        return lines;
    }
    [[nodiscard]] std::string refused(const Offered& offered) const {
        const auto before = office().repository().version("train-R1");
        auto error = error_of([&] { (void)confirm(office(), {offered}, now); });
        EXPECT_FALSE(office().desk().proposed("train-R1")) << "nothing is proposed";
        EXPECT_EQ(office().repository().version("train-R1"), before);
        return error;
    }
    void promote_to(Channel channel) const {
        promote(office(), r1, channel, now);
        sign(office());
    }
};

TEST_F(Confirmations, AreNeededByAReleaseThatIsToBeStable) {
    promote_to(Channel::candidate);
    const auto refusal = [](std::string_view counted, std::string_view missing) {
        return fmt::format("cannot promote R1.0 to stable: {} of the 2 rebuilders that it needs have confirmed it; not yet: {}\n"
                           "  hint: each of them runs `ashlar rebuild R1.0 --key FILE`; `ashlar release confirm FILE` takes what that writes",
                           counted, missing);
    };
    const auto to_stable = [&] { return error_of([&] { promote(office(), r1, Channel::stable, now); }); };
    EXPECT_EQ(to_stable(), refusal("0", "rebuilder-1, rebuilder-2, rebuilder-3"));
    EXPECT_THAT(take({by("rebuilder-2")}), ElementsAre("rebuilder-2 made"));
    EXPECT_EQ(to_stable(), refusal("1", "rebuilder-1, rebuilder-3"));
    EXPECT_THAT(take({by("rebuilder-3")}), ElementsAre("rebuilder-3 made"));
    EXPECT_EQ(to_stable(), "no error");
    sign(office());
    EXPECT_EQ(list(office(), "R1").front().channel, Channel::stable);
}

TEST_F(Confirmations, AreTargetsBesideTheRelease) {
    const Offered offered = by("rebuilder-1");
    (void)take({offered});
    const std::string path = "trains/R1/R1.0/confirmation." + confirmation::key_id(key("rebuilder-1").verifying_key()).hex() + ".json";
    const auto targets = office().repository().targets("train-R1").value();
    ASSERT_TRUE(targets.targets.contains(path));
    EXPECT_EQ(read_file(office().repository().target_file(path, targets.targets.at(path))), offered.text);
    // Whoever has the train's role may sign that path.
    const auto delegations = office().repository().targets("targets").value().delegations;
    ASSERT_EQ(delegations.size(), 1U) << "rebuilders are not a role of metadata";
    EXPECT_TRUE(delegations.front().covers(path));
}

TEST_F(Confirmations, OneKeyCountsOnce) {
    const auto later = [](Confirmation& one) { one.issued = now + std::chrono::hours(1); };
    EXPECT_THAT(take({by("rebuilder-1"), by("rebuilder-1", later)}), ElementsAre("rebuilder-1 made", "rebuilder-1 none"));
    const auto version = office().repository().version("train-R1");
    EXPECT_THAT(take({by("rebuilder-1", later)}), ElementsAre("rebuilder-1 none"));
    EXPECT_EQ(office().repository().version("train-R1"), version) << "nothing new is signed";
    EXPECT_THAT(tally(office(), r1).confirmed, ElementsAre("rebuilder-1"));
    EXPECT_FALSE(tally(office(), r1).is_reached());
}

TEST_F(Confirmations, CountBeforeTheTrainHasSignedThem) {
    (void)confirm(office(), {by("rebuilder-1"), by("rebuilder-2")}, now);
    EXPECT_TRUE(tally(office(), r1).is_reached());
}

TEST_F(Confirmations, OfAKeyThatThePolicyDoesNotNameAreRefused) {
    const SigningKey stranger = SigningKey::generate(SignatureScheme::ed25519);
    EXPECT_EQ(refused(signed_by(stranger, said(stranger.verifying_key()))),
              fmt::format("cannot use the confirmation 'c.json': its key {} is none of the rebuilders that trust.toml names\n  hint: `ashlar key new rebuilders --public FILE` takes its public half in, if it is to count",
                          confirmation::key_id(stranger.verifying_key()).hex()));
    const SigningKey train = key("train-R1-1");
    EXPECT_THAT(refused(signed_by(train, said(train.verifying_key()))), testing::HasSubstr("is none of the rebuilders"));
}

TEST_F(Confirmations, OfOtherBytesAreRefused) {
    EXPECT_EQ(refused(by("rebuilder-1", [](Confirmation& one) { one.document = sha256("another"); })),
              fmt::format("cannot use the confirmation 'c.json': what was built again is not R1.0 as it is here\n  hint: release.json has SHA-256 {} here, {} there", list(office(), "R1").front().digest.hex(), sha256("another").hex()));
    const std::string images = "cannot use the confirmation 'c.json': it names other images than R1.0 has\n  hint: ask whoever built the release again for another one";
    EXPECT_EQ(refused(by("rebuilder-1", [](Confirmation& one) { one.images.front().root_hash = sha256("another"); })), images);
    EXPECT_EQ(refused(by("rebuilder-1", [](Confirmation& one) { one.images.pop_back(); })), images) << "a part is not the whole";
    EXPECT_EQ(refused(by("rebuilder-1", [](Confirmation& one) { one.release = release_version("R1.1"); })), "cannot find release R1.1\n  hint: `ashlar release list` shows what there is");
}

TEST_F(Confirmations, WithAChangedByteAreRefused) {
    Offered offered = by("rebuilder-1");
    offered.text.at(offered.text.find("0.1.0")) = '1';
    EXPECT_EQ(refused(offered), "cannot use the confirmation 'c.json': its signature is not right\n  hint: ask whoever built the release again for another one");
}

TEST_F(Confirmations, OfARevokedReleaseAreRefused) {
    revoke(office(), r1, "it loses data", now);
    sign(office());
    EXPECT_EQ(refused(by("rebuilder-1")), "cannot use the confirmation 'c.json': R1.0 is revoked: it loses data\n  hint: it needs none any more");
}

TEST_F(Confirmations, OneThatIsRefusedKeepsTheOthersOut) {
    const SigningKey stranger = SigningKey::generate(SignatureScheme::ed25519);
    EXPECT_NE(error_of([&] { (void)confirm(office(), {by("rebuilder-1"), signed_by(stranger, said(stranger.verifying_key()))}, now); }), "no error");
    EXPECT_THAT(tally(office(), r1).confirmed, IsEmpty());
}

// Whoever holds the train's key can sign any target; it counts for nothing.
TEST_F(Confirmations, AreVerifiedAgainWhenTheyAreCounted) {
    (void)take({by("rebuilder-1"), by("rebuilder-2")});
    ASSERT_TRUE(tally(office(), r1).is_reached());
    edit(office(), "R1", now, [&](tuf::Targets& targets) {
        const std::string path = target_path(r1, confirmation::file_name_of(key("rebuilder-1").verifying_key()));
        targets.targets.insert_or_assign(path, office().repository().add_target_text(path, by("rebuilder-2").text));
        const std::string other = target_path(r1, confirmation::file_name_of(key("rebuilder-3").verifying_key()));
        targets.targets.insert_or_assign(other, office().repository().add_target_text(other, "{}"));
    });
    EXPECT_THAT(tally(office(), r1).confirmed, ElementsAre("rebuilder-2"));
}

TEST_F(Confirmations, OfAKeyThatWasTakenAwayCountNoMore) {
    (void)take({by("rebuilder-1"), by("rebuilder-2")});
    (void)authority::replace_key(keys, "rebuilders", "rebuilder-1", SignatureScheme::ed25519, {});
    EXPECT_THAT(tally(office(), r1).confirmed, ElementsAre("rebuilder-2"));
    EXPECT_THAT(tally(office(), r1).missing, ElementsAre("rebuilder-4", "rebuilder-3"));
}

TEST_F(Confirmations, AreNotAskedForWhereThePolicyHasNoRebuilders) {
    std::string policy = read_file(authority::Policy::file_in(keys));
    policy.resize(policy.find("\n[[role]]\nname = \"rebuilders\""));
    write_file(authority::Policy::file_in(keys), policy);
    promote_to(Channel::candidate);
    promote_to(Channel::stable);
    EXPECT_EQ(tally(office(), r1).threshold, 0U);
    EXPECT_EQ(error_of([&] { (void)confirm(office(), {{"c.json", "{}"}}, now); }),
              fmt::format("cannot find the role 'rebuilders' in '{}'\n  hint: `ashlar key new rebuilders` makes it", authority::Policy::file_in(keys).native()));
}

TEST_F(Confirmations, GoWithTheReleaseIntoItsBundle) {
    (void)take({by("rebuilder-1")});
    const CarryOrder order{.release = r1, .since = {}, .roles = {}, .now = now};
    EXPECT_TRUE(propose_manifest(office(), order));
    sign(office());
    const auto path_of = [&](const std::string& name) { return target_path(r1, confirmation::file_name_of(key(name).verifying_key())); };
    EXPECT_THAT(office().repository().bundle("R1")->targets, Contains(path_of("rebuilder-1")));
    EXPECT_FALSE(propose_manifest(office(), order));
    (void)take({by("rebuilder-2")});
    EXPECT_TRUE(propose_manifest(office(), {.release = r1, .since = r1, .roles = {}, .now = now})) << "a new word is a reason for another bundle";
    sign(office());
    EXPECT_THAT(office().repository().bundle("R1")->targets, Contains(path_of("rebuilder-2")));
}

} // namespace

#include "scene.hpp"

#include <signing/base64.hpp>
#include <signing/hpke.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>

namespace ashlar::formations {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SealedVault, IsForThoseWhoAreEntitledAndForNobodyElse) {
    Scene scene;
    Node& voter = scene.add("n1", "base", true);
    Node& control = scene.add("n2", "control");
    Node& reader = scene.add("n3", "compute"); // by `also`
    Node& other = scene.add("n4", "storage");
    EXPECT_EQ(control.vault->open("db", "admin"), std::nullopt) << "before it was made";
    scene.make(control);
    scene.make(control, "own");
    const auto value = control.vault->open("db", "admin");
    ASSERT_TRUE(value);
    EXPECT_EQ(value->size(), 64U) << "32 bytes as hexadecimal digits";
    EXPECT_EQ(voter.vault->open("db", "admin"), value);
    EXPECT_EQ(reader.vault->open("db", "admin"), value);
    EXPECT_EQ(other.vault->open("db", "admin"), std::nullopt);
    EXPECT_EQ(reader.vault->open("db", "own"), std::nullopt) << "that one it may not read";
    EXPECT_THAT(scene.stored(), Not(HasSubstr(*value)));
    EXPECT_THAT(scene.stored(), Not(HasSubstr(other.member.id)));
}

// The page says what a stranger to this code must do, so the test does it by hand.
TEST(SealedVault, IsKeptAsItsPageSays) {
    Scene scene;
    Node& node = scene.add("n1", "control");
    scene.make(node);
    const Json json = parse_json(scene.stored(), "secret");
    EXPECT_EQ(json.at("format"), 1);
    EXPECT_EQ(json.at("algorithm"), "hpke-p256-hkdf-sha256-aes-256-gcm");
    const auto sealed = from_base64(json.at("sealed").at(node.member.id).get<std::string>());
    const auto opened = unseal(node.key, fmt::format("ashlar secret 1 {} db/admin", scene.site.id), *sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(std::string(opened->text()), node.vault->open("db", "admin"));
    EXPECT_FALSE(unseal(node.key, fmt::format("ashlar secret 1 {} db/own", scene.site.id), *sealed)) << "one secret is not another";
    EXPECT_FALSE(unseal(SigningKey::generate(site_scheme), fmt::format("ashlar secret 1 {} db/admin", scene.site.id), *sealed)) << "a stranger's key";
}

TEST(SealedVault, TwoThatMakeItAtOnceHaveOne) {
    Scene scene;
    Node& first = scene.add("n1", "control");
    Node& second = scene.add("n2", "control");
    scene.make(first);
    const auto value = first.vault->open("db", "admin");
    scene.make(second);
    EXPECT_EQ(second.vault->open("db", "admin"), value);
    EXPECT_EQ(first.vault->open("db", "admin"), value);
}

TEST(SealedVault, ANewcomerGetsACopyFromWhoHasOne) {
    Scene scene;
    Node& first = scene.add("n1", "control");
    scene.make(first);
    const auto value = first.vault->open("db", "admin");
    Node& newcomer = scene.add("n2", "control"); // as one that was reflashed: another key is another node
    Node& stranger = scene.add("n3", "storage");
    EXPECT_EQ(newcomer.vault->open("db", "admin"), std::nullopt);
    EXPECT_EQ(newcomer.vault->share(), 0U) << "who has none gives none";
    EXPECT_EQ(first.vault->share(), 1U);
    EXPECT_EQ(newcomer.vault->open("db", "admin"), value);
    EXPECT_EQ(stranger.vault->open("db", "admin"), std::nullopt);
    const std::string before = scene.stored();
    EXPECT_EQ(first.vault->share(), 0U);
    EXPECT_EQ(newcomer.vault->share(), 0U);
    EXPECT_EQ(scene.stored(), before) << "twice changes nothing";
    scene.make(newcomer);
    EXPECT_EQ(newcomer.vault->open("db", "admin"), value) << "it is not made anew";
}

// Its key comes later than the membership.
TEST(SealedVault, WhoseKeyIsNotKnownYetGetsItLater) {
    Scene scene;
    Node& first = scene.add("n1", "control");
    Node& late = scene.add("n2", "control");
    scene.keys.erase(late.member.id);
    scene.see();
    scene.make(first);
    EXPECT_EQ(late.vault->open("db", "admin"), std::nullopt);
    scene.keys.emplace(late.member.id, late.key.verifying_key());
    scene.see();
    EXPECT_EQ(first.vault->share(), 1U);
    EXPECT_EQ(late.vault->open("db", "admin"), first.vault->open("db", "admin"));
}

TEST(SealedVault, RotationMakesAnotherValueWithoutThoseWhoLeft) {
    Scene scene;
    Node& voter = scene.add("n1", "base", true);
    Node& control = scene.add("n2", "control");
    Node& leaver = scene.add("n3", "control");
    scene.make(control);
    const auto before = control.vault->open("db", "admin");
    scene.remove(leaver);
    EXPECT_EQ(leaver.vault->open("db", "admin"), before) << "what it has read it knows";
    voter.vault->rotate("db", "admin");
    const auto after = control.vault->open("db", "admin");
    EXPECT_NE(after, before);
    EXPECT_EQ(voter.vault->open("db", "admin"), after);
    EXPECT_EQ(leaver.vault->open("db", "admin"), std::nullopt);
    EXPECT_THAT(error_of([&] { voter.vault->rotate("db", "own"); }), HasSubstr("cannot rotate the secret 'db/own': it has not been made yet"));
    EXPECT_THAT(error_of([&] { voter.vault->rotate("db", "none"); }), HasSubstr("this node knows no such secret"));
}

TEST(SealedVault, WhatAPersonGivesIsSealedLikeWhatIsMade) {
    Scene scene;
    Node& voter = scene.add("n1", "base", true);
    Node& control = scene.add("n2", "control");
    EXPECT_THAT(error_of([&] { (void)voter.vault->gift("db", "admin", ashlar::Secret("x")); }), HasSubstr("it is random, and made by the site"));
    const auto first = voter.vault->gift("db", "public", ashlar::Secret("one"));
    EXPECT_EQ(first.revision, 0U);
    EXPECT_THAT(first.value, Not(HasSubstr("one")));
    ASSERT_TRUE(scene.store.swap(first.key, first.revision, first.value));
    EXPECT_EQ(control.vault->open("db", "public"), "one");
    const auto second = control.vault->gift("db", "public", ashlar::Secret("two"));
    ASSERT_TRUE(scene.store.swap(second.key, second.revision, second.value));
    EXPECT_EQ(voter.vault->open("db", "public"), "two");
    EXPECT_THAT(error_of([&] { voter.vault->rotate("db", "public"); }), HasSubstr("cannot rotate the secret 'db/public': a person gave it"));
}

TEST(SealedVault, ACopyThatDoesNotOpenIsAnErrorAndNotAnAbsence) {
    Scene scene;
    Node& first = scene.add("n1", "control");
    Node& second = scene.add("n2", "control");
    scene.make(first);
    Json json = parse_json(scene.stored(), "secret");
    std::swap(json["sealed"][first.member.id], json["sealed"][second.member.id]);
    const auto key = forming::key::secret("db", "admin");
    ASSERT_TRUE(scene.store.swap(key, scene.store.list(key).begin()->second.revision, json.dump()));
    EXPECT_THAT(error_of([&] { (void)first.vault->open("db", "admin"); }), HasSubstr("cannot open the secret 'db/admin': the copy for this node is not sealed to its key"));
    json["more"] = 1;
    ASSERT_TRUE(scene.store.swap(key, scene.store.list(key).begin()->second.revision, json.dump()));
    EXPECT_THAT(error_of([&] { (void)first.vault->open("db", "admin"); }), HasSubstr("unknown key 'more'"));
}

TEST(SealedVault, ASubstitutedKeyIsRefused) {
    Scene scene;
    Node& first = scene.add("n1", "control");
    scene.keys.insert_or_assign(first.member.id, SigningKey::generate(site_scheme).verifying_key());
    EXPECT_THAT(error_of([&] { scene.see(); }), HasSubstr("the key that is said to be its own is another's"));
}

} // namespace
} // namespace ashlar::formations

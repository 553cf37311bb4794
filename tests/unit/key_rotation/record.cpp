// A rotation without etcd: what is written, who is missing, what a member does.

#include <key_rotation/voter.hpp>

#include <error_of.hpp>

#include <signing/node_id.hpp>

#include <gmock/gmock.h>

namespace ashlar::key_rotation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Machine {
    std::string name;
    bool seat = false;
    SigningKey key = SigningKey::generate(site_scheme);
    [[nodiscard]] NodeId id() const { return node_id_of(key.verifying_key()); }
};

class Rotating : public testing::Test {
protected:
    Rotating() {
        for (const auto* machine : {&n01, &n02, &c01}) add(*machine);
    }
    void add(const Machine& machine) {
        roster::Member member{.key = machine.key.verifying_key(), .bearer = {.node = machine.id(), .name = machine.name, .roles = {"control"}, .addresses = {}}, .serial = {}};
        roster.nodes.emplace(machine.id(), roster::Stored<roster::Member>{std::move(member), 1});
        if (machine.seat) roster.seats[machine.id()] = {};
    }
    [[nodiscard]] Record begun() const { return {.key = sealed(after, voters_in(roster)), .former = sealed(before, voters_in(roster))}; }
    [[nodiscard]] static std::string text(const std::optional<site::SiteKey>& key) { return key ? std::string(key->text().text()) : "none"; }

    const SiteId site = SiteId::random();
    const site::SiteKey before = site::SiteKey::generate(site), after = site::SiteKey::generate(site);
    const Machine n01{.name = "n01", .seat = true}, n02{.name = "n02", .seat = true}, c01{.name = "c01"};
    roster::Roster roster;
};

TEST_F(Rotating, TheRecordIsForVotersAlone) {
    const Record record = begun();
    const auto text_of_record = text_of(record);
    EXPECT_EQ(record_from(text_of_record), record);
    for (const auto* voter : {&n01, &n02}) {
        EXPECT_EQ(text(opened(record.key, site, voter->key)), after.text().text());
        EXPECT_EQ(text(opened(*record.former, site, voter->key)), before.text().text());
    }
    EXPECT_EQ(text(opened(record.key, site, c01.key)), "none");
    const std::string digits(after.text().text().substr(after.text().text().size() - 65, 64));
    EXPECT_EQ(text_of_record.find(digits), std::string::npos);
    // One that is said to be another.
    SealedKey swapped = record.key;
    swapped.id = before.id();
    EXPECT_THAT(error_of([&] { (void)opened(swapped, site, n01.key); }), HasSubstr("cannot open the site's key"));
}

TEST_F(Rotating, WhatIsNoRecordIsRefused) {
    for (const auto* text : {"{}", R"({"algorithm":"hpke-p256-hkdf-sha256-aes-256-gcm","format":2,"key":{"id":"00000000000000000000000000000000","sealed":{}}})",
                             R"({"algorithm":"hpke-p256-hkdf-sha256-aes-256-gcm","format":1,"key":{"id":"0","sealed":{}}})", R"({"algorithm":"hpke-p256-hkdf-sha256-aes-256-gcm","format":1,"key":{"id":"00000000000000000000000000000000","sealed":{"n01":"AA=="}}})",
                             R"({"algorithm":"hpke-p256-hkdf-sha256-aes-256-gcm","format":1,"key":{"id":"00000000000000000000000000000000","sealed":{}},"more":1})"})
        EXPECT_THAT(error_of([&] { (void)record_from(text); }), HasSubstr("site key")) << text;
}

TEST_F(Rotating, IsOverWhenEveryMemberSaysThatItHasIt) {
    const Record record = begun();
    Reports reports{{n01.id(), {after.id(), before.id()}}, {n02.id(), {before.id(), std::nullopt}}};
    EXPECT_THAT(missing(record, roster, reports), ElementsAre("c01", "n02"));
    EXPECT_EQ(tended(record, roster, reports, site, n01.key), std::nullopt);
    reports[n02.id()] = {after.id(), before.id()};
    EXPECT_THAT(missing(record, roster, reports), ElementsAre("c01"));
    // It came by the key of now, and never had the other one.
    reports[c01.id()] = {after.id(), std::nullopt};
    const auto done = tended(record, roster, reports, site, n01.key);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->former, std::nullopt);
    EXPECT_EQ(done->key, record.key);
    EXPECT_EQ(tended(*done, roster, reports, site, n01.key), std::nullopt);
}

TEST_F(Rotating, WhoWasRemovedIsNotWaitedFor) {
    const Record record = begun();
    const Reports reports{{n01.id(), {after.id(), before.id()}}, {n02.id(), {after.id(), before.id()}}};
    EXPECT_EQ(tended(record, roster, reports, site, n01.key), std::nullopt);
    roster.nodes.at(c01.id()).value.state = roster::Member::State::removed;
    EXPECT_TRUE(tended(record, roster, reports, site, n01.key));
}

// A seat that is taken later, and one that is left.
TEST_F(Rotating, EveryVoterIsGivenACopyByThoseThatHaveOne) {
    const Record record = begun();
    const Machine n03{.name = "n03", .seat = true};
    add(n03);
    roster.nodes.at(n02.id()).value.state = roster::Member::State::removed;
    EXPECT_EQ(tended(record, roster, {}, site, n03.key), std::nullopt) << "it has none itself";
    const auto next = tended(record, roster, {}, site, n01.key);
    ASSERT_TRUE(next);
    EXPECT_EQ(text(opened(next->key, site, n03.key)), after.text().text());
    EXPECT_EQ(text(opened(*next->former, site, n03.key)), before.text().text());
    EXPECT_EQ(text(opened(next->key, site, n02.key)), "none");
    EXPECT_EQ(tended(*next, roster, {}, site, n01.key), std::nullopt);
}

TEST_F(Rotating, WhatAMemberSaysIsReadAsItIsWritten) {
    for (const Held& held : {Held{after.id(), before.id()}, Held{after.id(), std::nullopt}}) EXPECT_EQ(held_in(text_of(held)), held);
    const auto id = after.id().text();
    for (const auto& text : {std::string(), std::string("x"), id + ",", id + "," + id, id + ",x", "," + id, id + "," + before.id().text() + ",x"}) EXPECT_EQ(held_in(text), std::nullopt) << text;
}

Told told_of(const site::SiteKey& key, const site::SiteKey* former, bool has_key) {
    return {.key = key.id(), .former = former != nullptr ? std::optional(former->id()) : std::nullopt, .site_key = has_key ? std::optional(key.text()) : std::nullopt, .ticket = std::nullopt};
}

// From each of the states that it may be in when it is started.
TEST_F(Rotating, AMemberTakesAndDrops) {
    const Held old{before.id(), std::nullopt}, both{after.id(), before.id()}, done{after.id(), std::nullopt};
    const Told never{.key = std::nullopt, .former = std::nullopt, .site_key = std::nullopt, .ticket = std::nullopt};
    for (const auto& held : {old, both, done}) EXPECT_EQ(next(held, never), Next::nothing);
    EXPECT_EQ(next(old, told_of(after, &before, true)), Next::take);
    EXPECT_EQ(next(old, told_of(after, nullptr, true)), Next::take) << "it was away all the time";
    EXPECT_EQ(next(old, told_of(after, &before, false)), Next::nothing) << "it was given none";
    EXPECT_EQ(next(both, told_of(after, &before, false)), Next::nothing);
    EXPECT_EQ(next(both, told_of(after, nullptr, false)), Next::drop);
    EXPECT_EQ(next(done, told_of(after, &before, false)), Next::nothing);
    const auto third = site::SiteKey::generate(site);
    EXPECT_EQ(next(both, told_of(third, &after, true)), Next::take) << "the next rotation";
}

} // namespace
} // namespace ashlar::key_rotation

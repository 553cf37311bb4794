#include <roster/audit.hpp>
#include <roster/roster.hpp>

#include <error_of.hpp>
#include <one_etcd.hpp>

#include <gmock/gmock.h>

namespace ashlar::roster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Member member_named(const std::string& name, Member::State state = Member::State::member) {
    const auto key = SigningKey::generate(site_scheme).verifying_key();
    return {.key = key, .bearer = {.node = node_id_of(key), .name = name, .roles = {"control"}, .addresses = {"10.0.0.1"}}, .serial = "S-" + name, .state = state, .since = Time(std::chrono::seconds(1790000000))};
}

const Seat seat{.address = "10.0.0.1", .authority = {std::byte{1}}, .etcd_authority = {std::byte{2}}, .site_key = {std::byte{3}}};

TEST(Roster, RecordsAreReadAsTheyWereWritten) {
    for (const auto& member : {member_named("n01"), member_named("n02", Member::State::removed)}) EXPECT_EQ(member_from(text_of(member)), member);
    EXPECT_EQ(seat_from(text_of(seat)), seat);
}

TEST(Roster, WhatIsNotInItsFormIsRefused) {
    Json json = parse_json(text_of(member_named("n01")), "node");
    json["state"] = "asleep";
    EXPECT_THAT(error_of([&] { (void)member_from(json.dump()); }), HasSubstr("'state' is none that is known"));
    json["state"] = "member";
    json["more"] = 1;
    EXPECT_THAT(error_of([&] { (void)member_from(json.dump()); }), HasSubstr("unknown key 'more'"));
}

TEST(Roster, IsReadFromEtcd) {
    OneEtcd etcd;
    auto client = etcd.client();
    const Member first = member_named("n02"), second = member_named("n01"), gone = member_named("n03", Member::State::removed);
    for (const auto& member : {first, second, gone}) client.put(key::node(member.node()), text_of(member));
    client.put(key::seat(first.node()), text_of(seat));

    const Roster roster = read(client);
    EXPECT_EQ(roster.nodes.size(), 3U);
    EXPECT_EQ(roster.members(), (std::vector<const Member*>{roster.member(second.node()), roster.member(first.node())}));
    EXPECT_EQ(roster.member(gone.node()), nullptr);
    EXPECT_EQ(roster.member_called("n02")->node(), first.node());
    EXPECT_EQ(roster.member_called("n03"), nullptr);
    EXPECT_EQ(roster.seats.at(first.node()).value, seat);
    EXPECT_EQ(roster.nodes.at(gone.node()).revision, client.get(key::node(gone.node()))->modified);
}

TEST(Roster, IsReadAgainWhenItHasChanged) {
    OneEtcd etcd;
    auto client = etcd.client();
    Known known;
    EXPECT_TRUE(known.read(client)->nodes.empty());
    Member first = member_named("n01");
    const Member second = member_named("n02");
    client.put(key::node(first.node()), text_of(first));
    client.put(key::seat(first.node()), text_of(seat));
    client.put(key::seat(second.node()), text_of(seat));
    const auto read = known.read(client);
    EXPECT_NE(read->member(first.node()), nullptr);
    client.put("/other", "x");
    EXPECT_EQ(known.read(client), read) << "nothing has changed";
    first.state = Member::State::removed;
    client.put(key::node(first.node()), text_of(first));
    EXPECT_EQ(known.read(client)->member(first.node()), nullptr);
    client.remove(key::seat(first.node()));
    EXPECT_EQ(known.read(client)->seats.size(), 1U);
    client.put(key::node(second.node()), text_of(second));
    EXPECT_NE(known.read(client)->member(second.node()), nullptr);
}

TEST(Audit, EntriesAreOnlyAdded) {
    OneEtcd etcd;
    auto client = etcd.client();
    const auto entry = [](std::int64_t second, const std::string& about) { return audit::Entry{.time = Time(std::chrono::seconds(second)), .who = "operator anna", .what = "node.approve", .about = about, .text = ""}; };
    audit::add(client, entry(2000000000, "n04"));
    audit::add(client, entry(999999999, "n01"));
    // With a change, or not at all.
    const auto [condition, put] = audit::addition(entry(2000000000, "n05"));
    EXPECT_FALSE(client.commit({condition, {etcd::Condition::Of::created, "/there", 1}}, {put}).done);
    EXPECT_THAT(audit::read(client), ElementsAre(entry(999999999, "n01"), entry(2000000000, "n04")));
    EXPECT_THAT(audit::newest(client, 1), ElementsAre(entry(2000000000, "n04")));
    EXPECT_THAT(audit::newest(client, 9), ElementsAre(entry(2000000000, "n04"), entry(999999999, "n01")));
    EXPECT_THAT(audit::newest(client, 0), ElementsAre());
}

} // namespace
} // namespace ashlar::roster

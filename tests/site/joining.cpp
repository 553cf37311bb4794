// Nodes that come when the site has begun.

#include "site_test.hpp"

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

class Joining : public SiteTest {};

TEST_F(Joining, AFourthNodeIsEnrolledAndStaysAMember) {
    const Nodes all = nodes_of({.name = "berlin", .others = 1});
    const Nodes voters(all.begin(), all.begin() + 3);
    power_on(voters);
    ASSERT_TRUE(are_members(voters)) << what_they_say(voters);

    Node& late = *all[3];
    late.power_on();
    ASSERT_TRUE(are_members(all)) << what_they_say(all);
    EXPECT_EQ(site_of(late).at("name"), "berlin-n4");
    EXPECT_EQ(geneses(all).size(), 1U);
    EXPECT_FALSE(site_of(late).at("seat").get<bool>());

    // With the voters away it is still who it is.
    cut_power(all);
    late.power_on();
    EXPECT_TRUE(are_members({&late})) << what_they_say({&late});
}

// The one that is away is the first that a newcomer asks.
TEST_F(Joining, AFourthNodeWaitsForNoVoterThatIsAway) {
    const Nodes all = nodes_of({.name = "berlin", .others = 1});
    const Nodes voters(all.begin(), all.begin() + 3);
    power_on(voters);
    ASSERT_TRUE(are_members(voters)) << what_they_say(voters);
    const auto founded = geneses(voters);
    Node &away = *all[0], &late = *all[3];
    const Nodes there(all.begin() + 1, all.end());
    away.cut_power();

    late.power_on();
    ASSERT_TRUE(are_members(there)) << what_they_say(there);
    EXPECT_EQ(geneses(there), founded);
    EXPECT_EQ(site_of(late).at("name"), "berlin-n4");
    EXPECT_THAT(said(*all[1], {"ashlarctl", "node", "list"}), HasSubstr("berlin-n4"));
    // What it was given is on its disk.
    late.cut_power();
    late.power_on();
    ASSERT_TRUE(are_members({&late})) << what_they_say(there);

    // Who was away learns of it.
    away.power_on();
    ASSERT_TRUE(are_members(all)) << what_they_say(all);
    EXPECT_EQ(geneses(all), founded);
    EXPECT_THAT(said(away, {"ashlarctl", "node", "list"}), HasSubstr("berlin-n4"));
}

TEST_F(Joining, AMediumWithATicketEnrolsOneNode) {
    const Sketch sketch{.name = "berlin", .voters = 1, .others = 2};
    const auto medium = bench_.site(sketch), with_ticket = Bench::with_ticket(medium);
    Node &voter = bench_.add("n1", medium), &first = bench_.add("n2", with_ticket), &second = bench_.add("n3", with_ticket);
    voter.power_on();
    first.power_on();
    ASSERT_TRUE(are_members({&voter, &first})) << what_they_say({&voter, &first});
    second.power_on();
    EXPECT_TRUE(wait_until(patience, [&] { return site_of(second).value("trouble", "").find("the ticket was used 1 time already") != std::string::npos; })) << what_they_say({&second});
}

} // namespace
} // namespace ashlar::virtual_site

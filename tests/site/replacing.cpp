// Voters that lost something, and nodes that go.

#include "site_test.hpp"

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

class Replacing : public SiteTest {
protected:
    [[nodiscard]] static bool comes_to_a_seat(const Node& node) {
        return wait_until(patience, [&] { return site_of(node).value("seat", false); });
    }
    [[nodiscard]] static bool comes_to_be_told(const Node& removed) {
        return wait_until(patience, [&] { return site_of(removed).value("trouble", "").find("this node was removed from its site") != std::string::npos; });
    }
};
using Removing = Replacing;
using Recovering = Replacing;

// Another machine under a voter's name: it waits for a person, and then is what the other one was, with a vote.
TEST_F(Replacing, AReflashedVoterComesBackWithAVote) {
    const Nodes nodes = voters_of({.name = "berlin"});
    Node &other = *nodes[0], &again = *nodes[1];
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    const std::string founded = genesis(other);
    const auto before = site_of(again).at("node");

    again.cut_power();
    again.reflash();
    again.power_on();
    ASSERT_TRUE(wait_until(patience, [&] { return site_of(again).contains("code"); })) << what_they_say(nodes);
    EXPECT_THAT(said(other, {"ashlarctl", "node", "list"}), HasSubstr("code " + site_of(again).at("code").get<std::string>()));
    EXPECT_THAT(said(other, {"ashlarctl", "node", "approve", "berlin-n2"}), HasSubstr("may come in"));
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_NE(site_of(again).at("node"), before);
    EXPECT_EQ(genesis(again), founded);
    EXPECT_TRUE(comes_to_a_seat(again));

    // Its vote counts: with another one away the site goes on, from its seat.
    other.cut_power();
    EXPECT_TRUE(wait_until(patience, [&] { return again.run({"ashlarctl", "site", "audit"}).output.find("instead of the one that was") != std::string::npos; })) << what_they_say({&again});

    // And it has it after a power cut, too.
    other.power_on();
    again.cut_power();
    again.power_on();
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_TRUE(comes_to_a_seat(again)) << what_they_say(nodes);
}

// Its state is there and its /var is not: it does not begin etcd anew.
TEST_F(Replacing, AVoterThatLostItsDataLearnsThemFromTheOthers) {
    const Nodes nodes = voters_of({.name = "berlin"});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    Node& poor = *nodes[2];
    const auto node = site_of(poor).at("node");
    ASSERT_TRUE(comes_to_keep(*nodes[0], "/test", "kept"));
    poor.cut_power();
    poor.lose_var();
    poor.power_on();
    ASSERT_TRUE(are_members({&poor})) << what_they_say(nodes);
    ASSERT_TRUE(comes_to_a_seat(poor)) << what_they_say(nodes);
    EXPECT_EQ(site_of(poor).at("node"), node);
    EXPECT_TRUE(comes_to_have(poor, "/test", "kept"));
}

// Two of three are gone for good: nothing happens by itself; on an operator's word the third goes on with what it has, and grows again. One
// of the two comes back as it was: it is told that it was given up.
TEST_F(Recovering, FromTwoLostVotersTakesAWord) {
    const Nodes nodes = voters_of({.name = "berlin"});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    ASSERT_TRUE(comes_to_keep(*nodes[0], "/test", "kept"));
    const std::string founded = genesis(*nodes[0]);
    const std::vector<std::string> order{"ashlarctl", "site", "recover", "--lost", "berlin-n2", "--lost", "berlin-n3", "--yes", "berlin"};
    const auto too_early = nodes[0]->run(order);
    EXPECT_FALSE(too_early.ok());
    EXPECT_THAT(too_early.errors, HasSubstr("is there, this node hears it"));

    cut_power({nodes[1], nodes[2]});
    ASSERT_TRUE(wait_until(patience, [&] { return nodes[0]->run(order).ok(); })) << what_they_say({nodes[0]});
    ASSERT_TRUE(comes_to_a_seat(*nodes[0])) << what_they_say({nodes[0]});
    EXPECT_TRUE(comes_to_keep(*nodes[0], "/after", "kept"));
    EXPECT_TRUE(comes_to_have(*nodes[0], "/test", "kept"));
    EXPECT_EQ(genesis(*nodes[0]), founded);
    EXPECT_THAT(said(*nodes[0], {"ashlarctl", "site", "audit"}), HasSubstr("given up as lost"));

    nodes[1]->power_on();
    EXPECT_TRUE(comes_to_be_told(*nodes[1])) << what_they_say({nodes[1]});
    cut_power({nodes[1]});
    for (Node* lost : {nodes[1], nodes[2]}) {
        lost->reflash();
        lost->power_on();
        ASSERT_TRUE(are_members({lost})) << what_they_say(nodes);
        ASSERT_TRUE(comes_to_a_seat(*lost)) << what_they_say(nodes);
    }
    EXPECT_EQ(geneses(nodes), std::set<std::string>{founded});
    EXPECT_TRUE(comes_to_have(*nodes[2], "/test", "kept"));
}

TEST_F(Removing, ARemovedNodeIsNobody) {
    const Nodes nodes = nodes_of({.name = "berlin", .voters = 1, .others = 1});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_THAT(said(*nodes[0], {"ashlarctl", "node", "remove", "berlin-n2"}), HasSubstr("is no member of the site any more"));
    EXPECT_THAT(said(*nodes[0], {"ashlarctl", "node", "list"}), testing::Not(HasSubstr("berlin-n2")));
    EXPECT_TRUE(comes_to_be_told(*nodes[1])) << what_they_say(nodes);
    const auto last = nodes[0]->run({"ashlarctl", "node", "remove", "berlin-n1"});
    EXPECT_FALSE(last.ok());
    EXPECT_THAT(last.errors, HasSubstr("it is the site's last voter"));
}

} // namespace
} // namespace ashlar::virtual_site

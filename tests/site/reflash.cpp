// Voters that have forgotten everything must not found the site again.

#include "site_test.hpp"

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

class Reflash : public SiteTest {
protected:
    const Nodes nodes_ = voters_of({.name = "berlin"});
};

TEST_F(Reflash, OfTwoWithTheThirdAwayFoundsNoSecondSite) {
    power_on(nodes_);
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    const std::string founded = genesis(*nodes_[2]);
    cut_power(nodes_);

    const Nodes blank{nodes_[0], nodes_[1]};
    for (Node* node : blank) node->reflash();
    power_on(blank);
    for (const Node* node : blank) ASSERT_TRUE(comes_to_say(*node, "2 of 3 voters: waiting for berlin-n3 (serial n3), never heard")) << what_they_say(blank);
    // All three would have founded one by then.
    EXPECT_TRUE(stays(10s, [&] { return geneses(blank) == std::set<std::string>{"none"}; })) << what_they_say(blank);

    nodes_[2]->power_on();
    for (const Node* node : blank) {
        ASSERT_TRUE(comes_to_say(*node, "joins the site, genesis " + founded.substr(0, 8))) << what_they_say(nodes_);
        EXPECT_EQ(phase(*node), "joining");
    }
    EXPECT_EQ(phase(*nodes_[2]), "member");
    EXPECT_EQ(geneses(nodes_), std::set<std::string>{founded});
}

} // namespace
} // namespace ashlar::virtual_site

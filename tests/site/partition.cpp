// A cable that is missing when the nodes are switched on for the first time.

#include "site_test.hpp"

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

class Partition : public SiteTest {
protected:
    // Until both parts have looked around; returns when the cables are in again and all are members.
    static void part_and_heal(const Nodes& together, const Nodes& apart, const std::string& missed, const std::string& missing) {
        Nodes all = together;
        all.insert(all.end(), apart.begin(), apart.end());
        for (Node* node : apart) {
            node->power_on();
            node->unplug();
        }
        power_on(together);
        for (const Node* node : together) ASSERT_TRUE(comes_to_say(*node, missed)) << what_they_say(all);
        for (const Node* node : apart) ASSERT_TRUE(comes_to_say(*node, missing)) << what_they_say(all);
        EXPECT_TRUE(stays(10s, [&] { return geneses(all) == std::set<std::string>{"none"}; })) << what_they_say(all);
        for (Node* node : apart) node->plug_in();
        ASSERT_TRUE(are_members(all)) << what_they_say(all);
        EXPECT_EQ(geneses(all).size(), 1U);
    }
};

TEST_F(Partition, OfOneOfThreeIsWaitedOut) {
    const Nodes nodes = voters_of({.name = "berlin"});
    part_and_heal({nodes[0], nodes[1]}, {nodes[2]}, "2 of 3 voters: waiting for berlin-n3 (serial n3)", "1 of 3 voters: waiting for berlin-n1 (serial n1)");
}

// A majority, which is not enough. In ring long.
TEST_F(Partition, OfTwoOfFiveIsWaitedOut) {
    const Nodes nodes = voters_of({.name = "berlin", .voters = 5});
    part_and_heal({nodes[0], nodes[1], nodes[2]}, {nodes[3], nodes[4]}, "3 of 5 voters: waiting for berlin-n4 (serial n4)", "1 of 5 voters");
}

} // namespace
} // namespace ashlar::virtual_site

// Three nodes that nobody tells anything found a site.

#include "site_test.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

class Founding : public SiteTest {
protected:
    const Nodes nodes_ = voters_of({.name = "berlin"});
};

TEST_F(Founding, IsOneGenesisOfThreeThatOutlivesThePower) {
    power_on(nodes_);
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    const auto founded = geneses(nodes_);
    EXPECT_EQ(founded.size(), 1U);
    EXPECT_EQ(etcd(*nodes_[0], {"get", "--print-value-only", "/genesis"}), *founded.begin());
    EXPECT_EQ(etcd(*nodes_[0], {"put", "/test", "kept"}), "OK");
    EXPECT_EQ(said(*nodes_[0], {"sh", "-c", "stat -c %U /proc/$(systemctl show -P MainPID ashlar-etcd.service)"}), "etcd");

    cut_power(nodes_);
    power_on(nodes_);
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_), founded);
    EXPECT_EQ(etcd(*nodes_[2], {"get", "--print-value-only", "/test"}), "kept");
}

TEST_F(Founding, WaitsForEveryVoterAndSaysForWhom) {
    power_on({nodes_[0], nodes_[1]});
    ASSERT_TRUE(comes_to_say(*nodes_[0], "2 of 3 voters")) << what_they_say({nodes_[0], nodes_[1]});
    EXPECT_THAT(sentence(*nodes_[0]), HasSubstr("serial n3"));
    nodes_[2]->power_on();
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_).size(), 1U);
}

// The first two send a beacon every ten seconds only when the next one comes. In ring long.
TEST_F(Founding, WaitsHoweverLongItTakes) {
    for (Node* node : nodes_) {
        node->power_on();
        if (node != nodes_.back()) std::this_thread::sleep_for(65s);
    }
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_).size(), 1U);
}

} // namespace
} // namespace ashlar::virtual_site

// A site and the power of its nodes.

#include "site_test.hpp"

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

class Power : public SiteTest {
protected:
    void SetUp() override {
        power_on(nodes_);
        ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
        founded_ = geneses(nodes_);
        ASSERT_EQ(founded_.size(), 1U);
    }

    const Nodes nodes_ = voters_of({.name = "berlin"});
    std::set<std::string> founded_;
};

TEST_F(Power, OfOneVoterIsCutAndTheOthersGoOn) {
    nodes_[1]->cut_power();
    ASSERT_TRUE(comes_to_keep(*nodes_[0], "/test", "while it was away")) << what_they_say({nodes_[0], nodes_[2]});
    EXPECT_EQ(etcd(*nodes_[2], {"get", "--print-value-only", "/test"}), "while it was away");
    EXPECT_EQ(phase(*nodes_[0]), "member");

    nodes_[1]->power_on();
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_), founded_);
    EXPECT_TRUE(comes_to_have(*nodes_[1], "/test", "while it was away"));
}

TEST_F(Power, IsSwitchedOffInOrderAndAllComeBack) {
    EXPECT_EQ(etcd(*nodes_[0], {"put", "/test", "kept"}), "OK");
    shut_down(nodes_);
    power_on(nodes_);
    ASSERT_TRUE(are_members(nodes_)) << what_they_say(nodes_);
    EXPECT_EQ(geneses(nodes_), founded_);
    EXPECT_EQ(etcd(*nodes_[2], {"get", "--print-value-only", "/test"}), "kept");
}

} // namespace
} // namespace ashlar::virtual_site

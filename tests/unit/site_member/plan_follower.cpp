#include <site_member/plan_follower.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>

#include <vector>

namespace ashlar::site_member {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Following : public testing::Test {
protected:
    using Files = PlanFollower::Files;

    static Files plan(const std::string& name) { return {{"site.toml", name}}; }

    // What a site is called stands for all of it.
    PlanFollower follower{plan("first"),
                          {.read = [](const Files& files) {
                               site::Site site;
                               site.name = files.at("site.toml");
                               if (site.name == "unreadable") throw Error("cannot read it");
                               return site;
                           },
                           .lay = [this](const site::Site& site) {
                               laid.push_back(site.name);
                               if (site.name == "miswired") throw Error("there is no such port");
                           },
                           .keep = [this](const Files& files) { kept.push_back(files.at("site.toml")); },
                           .alarm = [this](const std::string& text) { alarms.push_back(text); }}};
    const PlanFollower::Clock::time_point begin = PlanFollower::Clock::now();
    std::vector<std::string> laid, kept, alarms;
};

TEST_F(Following, ThePlanOfBeforeIsNoNews) {
    follower.hear(plan("first"), begin);
    EXPECT_THAT(laid, IsEmpty());
}

TEST_F(Following, ANetworkThatReachesTheVotersIsKept) {
    follower.hear(plan("second"), begin);
    EXPECT_THAT(laid, ElementsAre("second"));
    follower.hear(plan("second"), begin + 1s); // by the network of before, perhaps
    EXPECT_THAT(kept, IsEmpty());
    follower.miss(begin + 8s);
    follower.hear(plan("second"), begin + 12s);
    EXPECT_THAT(kept, ElementsAre("second"));
    follower.hear(plan("second"), begin + 20s);
    EXPECT_THAT(laid, ElementsAre("second"));
    EXPECT_THAT(alarms, IsEmpty());
}

TEST_F(Following, ANetworkThatLosesTheVotersIsTakenBackOnce) {
    follower.hear(plan("second"), begin);
    follower.miss(begin + 30s);
    EXPECT_THAT(laid, ElementsAre("second"));
    follower.miss(begin + 61s);
    EXPECT_THAT(laid, ElementsAre("second", "first"));
    ASSERT_EQ(alarms.size(), 1U);
    EXPECT_THAT(alarms[0], HasSubstr("with its network this node does not reach the voters; the network is as before"));
    follower.hear(plan("second"), begin + 80s);
    EXPECT_THAT(laid, ElementsAre("second", "first"));
    EXPECT_THAT(kept, IsEmpty());
    follower.hear(plan("third"), begin + 90s);
    EXPECT_THAT(laid, ElementsAre("second", "first", "third"));
}

TEST_F(Following, WhatDoesNotFitTheMachineOrCannotBeReadIsTakenBackAtOnce) {
    follower.hear(plan("miswired"), begin);
    EXPECT_THAT(laid, ElementsAre("miswired", "first"));
    follower.hear(plan("unreadable"), begin + 10s);
    EXPECT_THAT(laid, ElementsAre("miswired", "first", "first"));
    EXPECT_EQ(alarms.size(), 2U);
    EXPECT_THAT(kept, IsEmpty());
}

} // namespace
} // namespace ashlar::site_member

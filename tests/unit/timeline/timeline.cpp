#include <timeline/timeline.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>

namespace ashlar::timeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Json node(const std::string& name, double power_on, const std::string& events) {
    return {{"format", 1}, {"node", name}, {"power_on", power_on}, {"now", 40'000}, {"events", Json::parse(events)}};
}

const Json first = node("n1", 1'000'000, R"([
    {"at": 1000, "formation": "etcd", "state": "waiting", "why": "waits for this node's certificate"},
    {"at": 5000, "formation": "etcd", "state": "working", "step": "start", "why": "starts etcd"},
    {"at": 6000, "formation": "etcd", "state": "settled", "why": "is as it should be"},
    {"at": 1000, "formation": "ceph", "state": "waiting", "why": "waits for 'etcd' on this node"},
    {"at": 6500, "formation": "ceph", "state": "working", "step": "create", "why": "creates <it>"},
    {"at": 20000, "formation": "ceph", "state": "settled", "why": "is as it should be"},
    {"at": 1000, "formation": "elsewhere", "state": "absent", "why": "does not run here"}])");

TEST(Timeline, ARowForWhateverRanThere) {
    const auto rows = rows_of({first});
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].formation, "etcd");
    EXPECT_TRUE(rows[0].is_settled);
    EXPECT_EQ(rows[0].settled_at, 6);
    EXPECT_EQ(rows[1].spans.at(1).step, "create");
    EXPECT_EQ(rows[1].spans.at(1).to, 20);
}

TEST(Timeline, NodesBeginWhenTheyCameOn) {
    const Json second = node("n2", 1'002'000, R"([{"at": 1000, "formation": "etcd", "state": "settled", "why": "is as it should be"}])");
    const auto rows = rows_of({first, second});
    EXPECT_EQ(rows[0].node, "n2") << "the first to settle";
    EXPECT_EQ(rows[0].settled_at, 3) << "two seconds behind the other's power";
}

TEST(Timeline, WhatFailsAfterwardsSettlesAgain) {
    const auto rows = rows_of({node("n1", 0, R"([{"at": 1000, "formation": "etcd", "state": "settled", "why": "is as it should be"}, {"at": 9000, "formation": "etcd", "state": "waiting", "why": "it is down"},
                                                {"at": 12000, "formation": "etcd", "state": "settled", "why": "is as it should be"}])")});
    EXPECT_EQ(rows.at(0).settled_at, 12);
    EXPECT_FALSE(rows_of({node("n1", 0, R"([{"at": 1000, "formation": "etcd", "state": "alarmed", "why": "no"}])")}).at(0).is_settled);
}

TEST(Timeline, AsText) {
    EXPECT_EQ(text_of(rows_of({first}), 42), "      0                                     21 s\n"
                                             "etcd    ........##==============================     6.0 s  waits for this node's certificate 4.0 s, starts etcd 1.0 s\n"
                                             "ceph    ...........###########################==    20.0 s  creates <it> 13.5 s, waits for 'etcd' on this node 5.5 s\n");
    EXPECT_EQ(text_of({}, 40), "nothing has formed here since this node came on\n");
    const std::string waits = text_of(rows_of({node("n1", 0, R"([{"at": 0, "formation": "etcd", "state": "alarmed", "why": "no"}])")}), 20);
    EXPECT_THAT(waits, HasSubstr("!!!!"));
    EXPECT_THAT(waits, HasSubstr("not yet"));
}

TEST(Timeline, AsAPicture) {
    const std::string svg = svg_of(rows_of({first}));
    EXPECT_THAT(svg, HasSubstr("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    EXPECT_THAT(svg, HasSubstr("<title>ceph: creates &lt;it&gt; (13.5 s)</title>"));
    EXPECT_THAT(svg, Not(HasSubstr("elsewhere")));
    EXPECT_THAT(svg_of({}), HasSubstr("</svg>"));
}

TEST(Timeline, OtherFormsAreRefused) {
    EXPECT_THAT(error_of([] { (void)rows_of({Json{{"format", 2}}}); }), HasSubstr("it is not of format 1"));
    EXPECT_THAT(error_of([] { (void)rows_of({Json{{"format", 1}}}); }), HasSubstr("cannot read a timeline"));
}

} // namespace
} // namespace ashlar::timeline

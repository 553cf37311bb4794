// What is told of a site that begins.

#include <virtual_site/progress.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::virtual_site;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

Elapsed at(double seconds) { return Elapsed(seconds); }

Json said(const std::string& phase, const std::string& sentence, const std::vector<std::string>& voters_heard = {}, const std::string& genesis = {}) {
    Json site{{"phase", phase}, {"sentence", sentence}, {"peers", Json::array()}};
    for (const auto& name : voters_heard) site["peers"].push_back({{"name", name}, {"voter", true}, {"heard", true}});
    if (!genesis.empty()) site["genesis"] = genesis;
    return site;
}

std::vector<Cast> two() { return {{.name = "n1", .serial = "n1", .roles = {}, .voter = true}, {.name = "n2", .serial = "n2", .roles = {}, .voter = true}}; }

TEST(Progress, TellsWhatIsNewAndOnlyThat) {
    Progress progress(two(), 2);
    EXPECT_TRUE(progress.hear(0, at(1), said("hearing", "waiting for n2")));
    EXPECT_FALSE(progress.hear(0, at(2), said("hearing", "waiting for n2", {"n2"})));
    EXPECT_TRUE(progress.hear(0, at(3), said("hearing", "they agree in a moment")));
    EXPECT_EQ(progress.line(0), "    3.0 s  n1  hearing: they agree in a moment");
    Json site = said("founding", "sets up its part");
    site["trouble"] = "cannot start etcd";
    EXPECT_TRUE(progress.hear(0, at(4.06), site));
    EXPECT_EQ(progress.line(0), "    4.1 s  n1  founding: sets up its part (cannot start etcd)");
    EXPECT_EQ(progress.json(0), (Json{{"event", "node"}, {"node", "n1"}, {"seconds", 4.06}, {"phase", "founding"}, {"sentence", "sets up its part"}, {"trouble", "cannot start etcd"}}));
}

TEST(Progress, IsFormedWhenAllAreMembersOfOneGenesis) {
    Progress progress(two(), 2);
    EXPECT_FALSE(progress.is_formed());
    (void)progress.hear(0, at(1), said("member", "member of the site", {"n2"}, "aa"));
    EXPECT_FALSE(progress.is_formed());
    EXPECT_THAT(progress.waiting(), ElementsAre("n2: off: "));
    (void)progress.hear(1, at(1), said("hearing", "waiting for n1"));
    EXPECT_THAT(progress.waiting(), ElementsAre("n2: hearing: waiting for n1"));
    (void)progress.hear(1, at(2), said("member", "member of the site", {"n1"}, "bb"));
    EXPECT_FALSE(progress.is_formed()) << "two geneses";
    (void)progress.hear(1, at(3), said("member", "member of the site", {"n1"}, "aa"));
    EXPECT_TRUE(progress.is_formed());
    EXPECT_THAT(progress.waiting(), IsEmpty());
    EXPECT_TRUE(progress.say(1, at(9), "off", "it powered itself off"));
    EXPECT_FALSE(progress.is_formed());
    EXPECT_FALSE(progress.say(1, at(10), "off", "it powered itself off"));
}

TEST(Progress, TroubleOfAMemberIsNotFormed) {
    Progress progress(two(), 2);
    for (std::size_t node : {0U, 1U}) (void)progress.hear(node, at(1), said("member", "member of the site", {}, "aa"));
    Json troubled = said("member", "member of the site", {}, "aa");
    troubled["trouble"] = "etcd does not answer";
    (void)progress.hear(0, at(2), troubled);
    EXPECT_FALSE(progress.is_formed());
    EXPECT_THAT(progress.waiting(), ElementsAre("n1: member: etcd does not answer"));
}

// Answers come when the daemon says one: what lay between two of them was reached at the second at the latest.
TEST(Progress, StepsThatNobodySawWereBeforeTheNext) {
    Progress progress(two(), 2);
    progress.reach(0, at(0.5), Step::network);
    progress.reach(0, at(0.9), Step::network); // the first counts
    (void)progress.hear(0, at(1), said("hearing", "waiting for n2"));
    EXPECT_EQ(progress.when(0, Step::heard), std::nullopt);
    (void)progress.hear(0, at(2), said("hearing", "they agree", {"n2"}));
    (void)progress.hear(0, at(3), said("accepted", "they agree", {"n2"}));
    EXPECT_EQ(progress.when(0, Step::network), at(0.5));
    EXPECT_EQ(progress.when(0, Step::daemon), at(1));
    EXPECT_EQ(progress.when(0, Step::heard), at(2));
    EXPECT_EQ(progress.when(0, Step::promised), at(3));
    EXPECT_EQ(progress.when(0, Step::genesis), std::nullopt);
    (void)progress.hear(0, at(4), said("member", "member", {"n2"}, "aa"));
    EXPECT_EQ(progress.when(0, Step::genesis), at(4));
    EXPECT_EQ(progress.when(0, Step::etcd), std::nullopt) << "it is seen from outside or not at all";
    EXPECT_EQ(progress.when_all(Step::member), std::nullopt);
    (void)progress.hear(1, at(5), said("member", "member", {"n1"}, "aa"));
    EXPECT_EQ(progress.when_all(Step::member), at(5));
    EXPECT_EQ(progress.timeline(), "seconds from power-on           n1      n2     all\n"
                                   "has its addresses              0.5       -       -\n"
                                   "ashlard answers                1.0     5.0     5.0\n"
                                   "hears all voters               2.0     5.0     5.0\n"
                                   "has promised                   3.0     5.0     5.0\n"
                                   "has accepted a genesis         3.0     5.0     5.0\n"
                                   "knows the genesis              4.0     5.0     5.0\n"
                                   "its etcd listens                 -       -       -\n"
                                   "is a member of the site        4.0     5.0     5.0\n");
    EXPECT_EQ(progress.timeline_json().at("heard"), (Json{{"all", 5.0}, {"nodes", {{"n1", 2.0}, {"n2", 5.0}}}}));
    EXPECT_EQ(progress.timeline_json().at("etcd").at("all"), nullptr);
}

// Who is no voter has promised nothing.
TEST(Progress, OfOthersOnlyWhatTheyDoIsTold) {
    Progress progress({{.name = "n4", .serial = "n4", .roles = {}, .voter = false}}, 3);
    (void)progress.hear(0, at(1), said("joining", "asks to be enrolled", {"n1", "n2"}));
    EXPECT_EQ(progress.when(0, Step::heard), std::nullopt);
    (void)progress.hear(0, at(2), said("joining", "asks to be enrolled", {"n1", "n2", "n3"}));
    EXPECT_EQ(progress.when(0, Step::heard), at(2));
    (void)progress.hear(0, at(3), said("member", "member", {}, "aa"));
    EXPECT_EQ(progress.when(0, Step::promised), std::nullopt);
    EXPECT_EQ(progress.when(0, Step::member), at(3));
}

TEST(Progress, TheTableFitsItsTerminal) {
    Progress progress(two(), 2);
    (void)progress.hear(0, at(1), said("hearing", "1 of 2 voters: waiting for n2, whose name is n‑2…"));
    EXPECT_EQ(progress.table(40), "node  phase       since  what it says\n"
                                  "n1    hearing     1.0 s  1 of 2 voters: \n"
                                  "n2    off         0.0 s  \n");
    EXPECT_THAT(progress.table(74), HasSubstr("whose name is n‑2…\n")); // characters, not bytes
}

// A daemon of another release may say something else.
TEST(Progress, AnAnswerWithoutASiteIsAStart) {
    Progress progress(two(), 2);
    EXPECT_TRUE(progress.hear(0, at(1), Json::object()));
    EXPECT_EQ(progress.nodes()[0].phase, "starting");
    EXPECT_EQ(progress.when(0, Step::daemon), at(1));
}

} // namespace

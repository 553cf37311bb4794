// What a node says of itself and of others to somebody who asks why.

#include <site_member/why.hpp>

#include <gmock/gmock.h>

namespace ashlar::site_member {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Why : public testing::Test {
protected:
    Why() {
        for (const auto* name : {"n01", "n02", "n03"}) plan_.nodes.push_back({.name = name, .serial = std::string("S") + name, .voter = true});
        plan_.nodes.push_back({.name = "n04", .serial = "S4"});
    }
    static Json member(const std::string& name, bool heard, bool seat) { return {{"name", name}, {"heard", heard}, {"seat", seat}}; }
    std::string why(const std::string& name, std::optional<std::vector<std::string>> unsettled = std::vector<std::string>()) const {
        return why_node({.status = status_, .plan = plan_, .unsettled = std::move(unsettled), .waiting = waiting_}, name).value_or("nothing");
    }

    site::Site plan_;
    Json status_{{"name", "n01"}, {"phase", "member"}, {"sentence", "member of the site"}, {"peers", Json::array()}, {"members", {member("n01", true, true), member("n02", true, true), member("n03", false, true)}},
                 {"formations", {{"list", {{{"name", "etcd"}, {"state", "settled"}, {"why", "is as it should be"}}, {{"name", "db"}, {"state", "waiting"}, {"why", "waits for time"}}, {{"name", "gpu"}, {"state", "absent"}, {"why", "does not run here"}}}}}}};
    Json waiting_ = Json::array();
};

TEST_F(Why, OfThisNodeIsWhatItSaysOfItself) {
    status_["trouble"] = "the disk is slow";
    EXPECT_EQ(why("n01"), "n01 (this node): member\n"
                          "  why    member of the site\n"
                          "  but    the disk is slow\n"
                          "  but    db: waits for time\n");
}

TEST_F(Why, AMemberIsHeardOrNot) {
    EXPECT_EQ(why("n02"), "n02: a member, with a seat among the voters\n  why    it is heard, and all that runs on it is as it should be\n");
    EXPECT_THAT(why("n02", std::vector<std::string>{"etcd"}), HasSubstr("but    etcd is not said to be as it should be; it says why on n02: ashlarctl why etcd\n"));
    EXPECT_THAT(why("n02", std::nullopt), HasSubstr("the site's store does not answer"));
    EXPECT_THAT(why("n03"), HasSubstr("nothing has been heard of it for 45 s or longer\n  next   look at its power and its cables; for another machine in its place: ashlarctl node replace n03"));
}

TEST_F(Why, AVoterWithoutASeatIsNotDone) {
    status_["members"][1]["seat"] = false;
    EXPECT_THAT(why("n02"), HasSubstr("no seat among the voters yet"));
    status_["members"].push_back(member("n04", true, false));
    EXPECT_THAT(why("n04"), StartsWith("n04: a member\n  why    it is heard, and all"));
    status_["members"].push_back(member("n09", true, false));
    EXPECT_THAT(why("n09"), HasSubstr("the site's plan has no node of that name"));
}

TEST_F(Why, WhoIsNoMemberYetIsLookedForOrHeard) {
    EXPECT_THAT(why("n04"), StartsWith("n04: a node of the plan, no member yet\n  why    nothing is heard of a machine with serial S4\n"));
    status_["peers"] = {{{"name", "n04"}, {"heard", true}}};
    EXPECT_THAT(why("n04"), HasSubstr("it is heard, and does not belong to the site yet"));
    waiting_ = {{{"name", "n04"}, {"serial", "X"}, {"code", "4173 0262"}, {"text", "shall this machine be n04?"}}};
    EXPECT_THAT(why("n04"), HasSubstr("but    a machine with serial X asks for that name, code 4173 0262: shall this machine be n04?\n"));
}

TEST_F(Why, NobodyIsNothing) { EXPECT_EQ(why("n77"), "nothing"); }

} // namespace
} // namespace ashlar::site_member

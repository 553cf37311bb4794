// The same disks in another machine.

#include "site_test.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

// In ring long.
class Boards : public SiteTest {
protected:
    void SetUp() override {
        power_on(all_);
        ASSERT_TRUE(are_members(all_)) << what_they_say(all_);
        founded_ = geneses(all_);
        for (const Node* node : all_) ids_[node] = site_of(*node).at("node").get<std::string>();
    }
    [[nodiscard]] static std::string board(const Node& node) { return site_of(node).value("board", ""); }
    // The plan of now, changed.
    void apply(const Node& voter, const std::string& change) const {
        write_plan(voter);
        said(voter, {"sh", "-c", change + " /run/plan/site.toml && ashlarctl site apply /run/plan"});
    }
    void write_plan(const Node& voter) const {
        said(voter, {"mkdir", "-p", "/run/plan"});
        said(voter, {"sh", "-c", fmt::format("{} > /run/plan/site.toml", command_line(etcdctl(voter, {"get", "--print-value-only", "/plan/site.toml"})))});
    }
    static std::string command_line(const std::vector<std::string>& words) {
        std::string line;
        for (const auto& word : words) line += word + " ";
        return line;
    }
    // As itself, and with a vote where it had one.
    // Its daemon starts again when the plan changes, and says nothing meanwhile.
    void comes_back(const Node& moved, const std::string& node) {
        ASSERT_TRUE(are_members(all_)) << what_they_say(all_);
        EXPECT_TRUE(wait_until(patience, [&] { return site_of(moved).value("node", "") == node && std::set<std::string>{genesis(moved)} == founded_; })) << what_they_say(all_);
    }

    const Nodes all_ = nodes_of({.name = "berlin", .others = 1});
    Node &first_ = *all_[0], &voter_ = *all_[1], &other_ = *all_[3];
    std::set<std::string> founded_;
    std::map<const Node*, std::string> ids_;
};

TEST_F(Boards, ThatThePlanKnowsAlreadyAreTheirNodes) {
    for (Node* moved : {&voter_, &other_}) {
        const auto node = ids_.at(moved);
        moved->cut_power();
        apply(first_, fmt::format("sed -i 's/^serial = \"{0}\"/serial = \"{0}-new\"/'", moved->name()));
        moved->move_to_board(moved->name() + "-new");
        moved->power_on();
        comes_back(*moved, node);
        EXPECT_TRUE(wait_until(patience, [&] { return site_of(*moved).value("phase", "") == "member" && board(*moved).empty(); })) << what_they_say(all_);
    }
    // Its vote counts.
    first_.cut_power();
    EXPECT_TRUE(comes_to_keep(voter_, "/test", "kept")) << what_they_say(all_);
}

TEST_F(Boards, ThatThePlanDoesNotKnowAreTheirNodesAndSaySo) {
    for (Node* moved : {&voter_, &other_}) {
        const auto node = ids_.at(moved);
        moved->cut_power();
        moved->move_to_board(moved->name() + "-new");
        moved->power_on();
        comes_back(*moved, node);
        EXPECT_TRUE(wait_until(patience, [&] { return board(*moved).find(fmt::format("site.toml knows 'berlin-{0}' by serial number '{0}', and this machine has serial number '{0}-new'", moved->name())) != std::string::npos; })) << what_they_say(all_);
        EXPECT_THAT(said(*moved, {"ashlarctl", "status"}), HasSubstr("`ashlarctl site apply`"));
        EXPECT_THAT(warnings(*moved), HasSubstr("site.toml knows"));
        // The plan follows, and all is as it should be.
        apply(first_, fmt::format("sed -i 's/^serial = \"{0}\"/serial = \"{0}-new\"/'", moved->name()));
        EXPECT_TRUE(wait_until(patience, [&] { return phase(*moved) == "member" && board(*moved).empty(); })) << what_they_say(all_);
    }
}

// Disks were mixed up: one node's are in the machine of another one.
TEST_F(Boards, OfAnotherNodeAreRefused) {
    const std::string roster = said(first_, {"ashlarctl", "node", "list"});
    other_.cut_power();
    voter_.cut_power();
    other_.move_to_board(voter_.name());
    other_.power_on();
    EXPECT_TRUE(comes_to_say(other_, "these are the disks of 'berlin-n4', and this machine is 'berlin-n2'")) << what_they_say(all_);
    EXPECT_EQ(said(other_, {"ip", "-4", "-brief", "address", "show", "dev", "host0"}).find("10.77."), std::string::npos);
    voter_.power_on();
    const Nodes others{all_[0], all_[1], all_[2]};
    EXPECT_TRUE(are_members(others)) << what_they_say(all_);
    EXPECT_EQ(said(first_, {"ashlarctl", "node", "list"}), roster);
    other_.cut_power();
    other_.move_to_board(other_.name());
    other_.power_on();
    EXPECT_TRUE(are_members(all_)) << what_they_say(all_);
}

} // namespace
} // namespace ashlar::virtual_site

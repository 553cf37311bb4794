// A site's plan is changed while it runs.

#include "site_test.hpp"

#include <base/text.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

class Planning : public SiteTest {
protected:
    // The plan that the node has now, changed, is the site's.
    static void apply(const Node& voter, const std::string& change) { said(voter, {"sh", "-c", plan_with(change)}); }
    [[nodiscard]] static std::string plan_with(const std::string& change) {
        return "mkdir -p /run/plan && etcdctl --endpoints https://10.77.0.11:12379 --cacert /run/ashlar/etcd/authority.pem --cert /run/ashlar/etcd/certificate.pem --key /run/ashlar/etcd/key.pem get --print-value-only /plan/site.toml > /run/plan/site.toml && " + change + " && ashlarctl site apply /run/plan";
    }
    [[nodiscard]] static bool comes_to_have_address(const Node& node, const std::string& address) {
        return wait_until(patience, [&] { return node.run({"ip", "-o", "address"}).output.find(address + "/") != std::string::npos; });
    }
};

TEST_F(Planning, AnotherPlanIsTakenOverByItsNodes) {
    const Nodes nodes = nodes_of({.name = "berlin", .voters = 1, .others = 1});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    apply(*nodes[0], "sed -i 's/10.77.0.12/10.77.0.77/' /run/plan/site.toml");
    EXPECT_TRUE(comes_to_have_address(*nodes[1], "10.77.0.77")) << what_they_say(nodes);
    EXPECT_TRUE(wait_until(patience, [&] { return nodes[0]->run({"ashlarctl", "node", "list"}).output.find("10.77.0.77") != std::string::npos; }));
    // It is kept.
    nodes[1]->cut_power();
    nodes[1]->power_on();
    EXPECT_TRUE(comes_to_have_address(*nodes[1], "10.77.0.77")) << what_they_say(nodes);
    EXPECT_TRUE(are_members(nodes)) << what_they_say(nodes);
}

// An address from which nobody is reached: after a minute the node has its old one, and says why.
TEST_F(Planning, ANetworkThatLosesTheVotersIsTakenBack) {
    const Nodes nodes = nodes_of({.name = "berlin", .voters = 1, .others = 1});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    apply(*nodes[0], "sed -i -e 's/10.77.0.12/10.88.0.12/' -e 's#10.77.0.0/24\"#10.77.0.0/24\", \"10.88.0.0/24\"#' /run/plan/site.toml");
    ASSERT_TRUE(comes_to_have_address(*nodes[1], "10.88.0.12")) << what_they_say(nodes);
    EXPECT_TRUE(comes_to_have_address(*nodes[1], "10.77.0.12")) << what_they_say(nodes);
    EXPECT_THAT(warnings(*nodes[1]), HasSubstr("with its network this node does not reach the voters"));
    EXPECT_TRUE(are_members(nodes)) << what_they_say(nodes);
}

// The others' etcd knows it where it is.
TEST_F(Planning, AVotersAddressStaysAndTheWayToAnotherIsSaid) {
    const Nodes nodes = voters_of({.name = "berlin"});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    const auto founded = geneses(nodes);
    const std::string change = "sed -i 's/10.77.0.12/10.77.0.77/' /run/plan/site.toml";
    const auto refused = nodes[0]->run({"sh", "-c", plan_with(change)});
    EXPECT_FALSE(refused.ok());
    EXPECT_THAT(refused.errors, HasSubstr("berlin-n2 is a voter with its seat at 10.77.0.12, and the plan gives it 10.77.0.77: a seat does not move"));
    EXPECT_THAT(refused.errors, HasSubstr("`ashlarctl node remove berlin-n2`"));

    // The way that it says.
    Node& moved = *nodes[1];
    // For some seconds after it has begun etcd lets nobody go.
    ASSERT_TRUE(wait_until(patience, [&] { return nodes[0]->run({"ashlarctl", "node", "remove", "berlin-n2"}).ok(); })) << what_they_say(nodes);
    moved.cut_power();
    apply(*nodes[0], change);
    moved.reflash();
    const auto medium = moved.console().parent_path() / "medium/site.toml";
    std::string text = read_file(medium);
    text.replace(text.find("10.77.0.12"), std::string_view("10.77.0.12").size(), "10.77.0.77");
    write_file(medium, text);
    moved.power_on();
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_EQ(geneses(nodes), founded);
    EXPECT_TRUE(comes_to_have_address(moved, "10.77.0.77"));
    EXPECT_THAT(said(*nodes[2], {"ashlarctl", "site", "audit"}), HasSubstr("at 10.77.0.77"));
    EXPECT_TRUE(comes_to_keep(*nodes[0], "/test", "kept"));
}

} // namespace
} // namespace ashlar::virtual_site

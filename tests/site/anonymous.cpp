// A site without a list of its nodes, whose addresses come from the network.

#include "site_test.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Anonymous : public SiteTest {
protected:
    static std::string text(const SiteId& id) {
        return fmt::format(R"([site]
name = "berlin"
id = "{}"

[genesis]
mode = "anonymous"
voters = 3
expect = 3

[install]
in_place = true
encryption = "off"

[[link]]
name = "lan"
interface = ["host0"]

[planes.management]
link = "lan"
addresses = "automatic"
)", id.text());
    }
    void serve() { server_.emplace(bench_.switch_of_all(), bench_.work() / "addresses"); }
    [[nodiscard]] Nodes blank(unsigned count) {
        Nodes nodes;
        for (unsigned i = 0; i < count; ++i) nodes.push_back(&bench_.add(fmt::format("b{}", ++made_), medium_));
        return nodes;
    }
    // They have seats, which nobody has planned for them.
    [[nodiscard]] static bool found_a_site(const Nodes& nodes) {
        return wait_until(patience, [&] {
            return std::ranges::all_of(nodes, [](const Node* node) { return phase(*node) == "member" && site_of(*node).value("seat", false) && !site_of(*node).contains("trouble"); });
        });
    }

    const std::filesystem::path medium_ = bench_.site("berlin", text);
    std::optional<AddressServer> server_;
    unsigned made_ = 0;
};

// The server for addresses starts when everybody waits for it.
TEST_F(Anonymous, NodesWaitForTheirAddressesAndFoundTheirSite) {
    const Nodes nodes = blank(3);
    power_on(nodes);
    for (const Node* node : nodes) ASSERT_TRUE(comes_to_say(*node, "this node has no address yet: waits for the DHCP server or the router")) << what_they_say(nodes);
    EXPECT_TRUE(stays(10s, [&] { return phase(*nodes[0]) == "starting" && genesis(*nodes[0]) == "none"; }));
    serve();
    ASSERT_TRUE(found_a_site(nodes)) << what_they_say(nodes);
    EXPECT_EQ(geneses(nodes).size(), 1U);
    for (const Node* node : nodes) EXPECT_THAT(site_of(*node).at("name").get<std::string>(), StartsWith("node-"));

    // Who comes later joins, and has no seat.
    const Nodes late = blank(1);
    power_on(late);
    EXPECT_TRUE(wait_until(patience, [&] { return phase(*late[0]) == "member"; })) << what_they_say(late);
    EXPECT_EQ(genesis(*late[0]), genesis(*nodes[0]));
    EXPECT_FALSE(site_of(*late[0]).value("seat", true));
}

// In ring long.
TEST_F(Anonymous, OneTooManyIsSaidByAllAndTheyWait) {
    serve();
    const Nodes nodes = blank(4);
    power_on(nodes);
    for (const Node* node : nodes) ASSERT_TRUE(comes_to_say(*node, "4 of 3 blank nodes: 1 too many")) << what_they_say(nodes);
    EXPECT_TRUE(stays(30s, [&] { return geneses(nodes) == std::set<std::string>{"none"}; })) << what_they_say(nodes);
    nodes[3]->cut_power();
    const Nodes three(nodes.begin(), nodes.begin() + 3);
    ASSERT_TRUE(found_a_site(three)) << what_they_say(nodes);
    nodes[3]->power_on();
    EXPECT_TRUE(wait_until(patience, [&] { return phase(*nodes[3]) == "member"; })) << what_they_say(nodes);
    EXPECT_EQ(geneses(nodes).size(), 1U);
    // After a power cut of all they have the addresses that they had, and are the same site.
    cut_power(nodes);
    power_on(nodes);
    ASSERT_TRUE(found_a_site(three)) << what_they_say(nodes);
    EXPECT_EQ(geneses(nodes).size(), 1U);
}

} // namespace
} // namespace ashlar::virtual_site

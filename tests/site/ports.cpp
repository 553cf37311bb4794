// Nodes with several ports.

#include "site_test.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

// In ring long. All ports are in one switch: two planes, and one port that nobody uses. What a container has for ports is no machine's to systemd-networkd, so
// that the file for all others, 60-unnamed.network, is not seen here.
class Ports : public SiteTest {
protected:
    static std::string text(const SiteId& id) {
        std::string text = fmt::format(R"([site]
name = "berlin"
id = "{}"

[genesis]
voters = 3

[install]
in_place = true
encryption = "off"

[[link]]
name = "lan"
interface = ["host1"]

[[link]]
name = "disks"
interface = ["host0"]

[planes.management]
link = "lan"
subnets = ["10.77.0.0/24"]

[planes.storage]
link = "disks"
subnets = ["10.78.0.0/24"]
)", id.text());
        for (unsigned i = 1; i <= 3; ++i) text += fmt::format("\n[[node]]\nname = \"berlin-n{0}\"\nserial = \"n{0}\"\nvoter = true\naddresses = {{ management = [\"10.77.0.{1}\"], storage = [\"10.78.0.{1}\"] }}\n", i, 10 + i);
        return text;
    }
    static std::string addresses(const Node& node, const char* port) { return said(node, {"ip", "-brief", "address", "show", "dev", port}); }
};

TEST_F(Ports, OfEachNodeAreWhatSiteTomlSaysAndTheOthersNothing) {
    const auto medium = bench_.site("berlin", text);
    // Whoever asked for an address would get one, on any port.
    const AddressServer tempting(bench_.switch_of_all(), bench_.work() / "addresses");
    Nodes nodes;
    for (unsigned i = 1; i <= 3; ++i) {
        nodes.push_back(&add(fmt::format("n{}", i), medium, fmt::format("10.77.0.{}", 10 + i)));
        nodes.back()->wire(bench_.switch_of_all(), 3);
    }
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_EQ(geneses(nodes).size(), 1U);
    for (unsigned i = 0; i < 3; ++i) {
        EXPECT_THAT(addresses(*nodes[i], "host1"), HasSubstr(fmt::format("10.77.0.{}/24", 11 + i)));
        EXPECT_THAT(addresses(*nodes[i], "host0"), HasSubstr(fmt::format("10.78.0.{}/24", 11 + i)));
        EXPECT_THAT(addresses(*nodes[i], "host2"), testing::Not(HasSubstr("10.")));
        EXPECT_EQ(warnings(*nodes[i]), "");
    }
    // The storage plane leads to the others, over its own port.
    EXPECT_THAT(said(*nodes[0], {"ip", "route", "get", "10.78.0.13"}), HasSubstr("dev host0 src 10.78.0.11"));
    EXPECT_TRUE(nodes[0]->run({"bash", "-c", "exec 3<>/dev/tcp/10.78.0.13/4747"}).ok());
    EXPECT_TRUE(comes_to_keep(*nodes[0], "/test", "kept"));
}

} // namespace
} // namespace ashlar::virtual_site

// Networks with one family of addresses.

#include "site_test.hpp"

#include <gmock/gmock.h>

namespace ashlar::virtual_site {
namespace {

// In ring long.
class Families : public SiteTest {
protected:
    void found(const Nodes& nodes) {
        ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
        EXPECT_EQ(geneses(nodes).size(), 1U);
        EXPECT_TRUE(comes_to_keep(*nodes[0], "/test", "kept"));
        EXPECT_EQ(etcd(*nodes[2], {"get", "--print-value-only", "/test"}), "kept");
    }
    static std::string addresses(const Node& node, const char* family) { return said(node, {"ip", family, "-brief", "address", "show", "dev", "host0"}); }
};

TEST_F(Families, Ipv4AloneFoundsASite) {
    const Nodes nodes = voters_of({.name = "berlin"});
    for (Node* node : nodes) {
        node->power_on();
        // The network's own service switches IPv6 on again where it sets up a link, so it comes first.
        ASSERT_TRUE(wait_until(patience, [&] { return addresses(*node, "-4").find(address(*node)) != std::string::npos; }));
        said(*node, {"sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/host0/disable_ipv6"});
        EXPECT_EQ(genesis(*node), "none");
    }
    found(nodes);
    for (const Node* node : nodes) EXPECT_EQ(addresses(*node, "-6"), "");
}

TEST_F(Families, Ipv6AloneFoundsASite) {
    const Nodes nodes = voters_of({.name = "berlin", .network = "fd77::"});
    power_on(nodes);
    found(nodes);
    EXPECT_TRUE(are_settled(nodes)) << what_they_say(nodes);
    EXPECT_THAT(said(*nodes[0], {"cat", "/etc/chrony/sources.d/ashlar.sources"}), testing::HasSubstr("server fd77::12 iburst"));
    EXPECT_THAT(said(*nodes[1], {"ss", "--no-header", "--listening", "--tcp", "--numeric"}), testing::HasSubstr("[fd77::12]:9100")) << "the exporter";
    for (const Node* node : nodes) EXPECT_EQ(addresses(*node, "-4"), "");
}

} // namespace
} // namespace ashlar::virtual_site

// Links and planes as they are read: what is taken, and each contradiction with its place.

#include "reading.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::site;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

const std::string uplink = "[[link]]\nname = \"uplink\"\n";                        // lines 5 and 6
const std::string management = "[planes.management]\nlink = \"uplink\"\nsubnets = [\"10.0.0.0/24\", \"fd00::/64\"]\n"; // lines 7 to 9

TEST(Network, TakesEverythingThatTheFormatHas) {
    const Site site = read_text(head + R"([[link]]
name = "bond0"
bond = "lacp"
interface = ["enp*s0f0np0"]
mac = ["3C-EC-EF:*"]
driver = ["ice", "mlx5_core"]
min_speed = "25 Gbit/s"
mtu = 9000
min_ports = 2
[planes.management]
link = "bond0"
vlan = 10
subnets = ["10.0.0.0/24", "10.0.1.0/24", "fd00::/64"]
gateways = ["10.0.0.1", "10.0.1.1", "fd00::1"]
routes = [{ to = "192.0.2.0/24", via = "10.0.0.2" }]
dns = ["10.0.0.3"]
domains = ["example.org"]
[planes.storage]
link = "bond0"
vlan = 20
mtu = 9000
subnets = ["10.1.0.0/16"]
[planes.provider]
link = "bond0"
[planes.tunnel]
link = "bond0"
vlan = 30
addresses = "automatic"
)");
    ASSERT_EQ(site.links.size(), 1U);
    const Link& link = site.links.front();
    EXPECT_EQ(link.bond, Bond::lacp);
    EXPECT_EQ(link.ports, (PortRule{.interfaces = {"enp*s0f0np0"}, .macs = {"3c:ec:ef:*"}, .drivers = {"ice", "mlx5_core"}, .min_speed = 25000}));
    EXPECT_EQ(link.mtu, 9000U);
    EXPECT_EQ(link.min_ports, 2U);
    const PlaneNetwork& plane = site.planes.at(Plane::management);
    EXPECT_EQ(plane.vlan_interface(), "bond0.10");
    EXPECT_EQ(plane.mtu, 1500U);
    EXPECT_EQ(plane.subnets.size(), 3U);
    EXPECT_EQ(plane.gateways.size(), 3U);
    EXPECT_THAT(plane.routes, ElementsAre(Route{*Subnet::parse("192.0.2.0/24"), *Address::parse("10.0.0.2")}));
    EXPECT_THAT(plane.domains, ElementsAre("example.org"));
    EXPECT_EQ(site.planes.at(Plane::storage).mtu, 9000U);
    EXPECT_EQ(site.planes.at(Plane::provider).mtu, 9000U); // its link's
    EXPECT_EQ(site.planes.at(Plane::tunnel).addressing, Addressing::automatic);
}

TEST(Network, SaysAllThatIsWrongAtOnce) {
    EXPECT_EQ(problems_of(head + uplink + "bond = \"lcap\"\nmtu = 900\n[planes.management]\nlink = \"uplnk\"\nvlan = 4095\nsubnets = [\"10.0.0.11/24\"]\n[planes.storge]\n"),
              R"(site.toml:7:8: unknown bond 'lcap'
  7 | bond = "lcap"
    |        ^~~~~~
did you mean 'lacp'?

site.toml:8:7: 'mtu' is a number from 1500 to 9216
  8 | mtu = 900
    |       ^~~

site.toml:10:8: 'uplnk' is no link
  10 | link = "uplnk"
     |        ^~~~~~~
did you mean 'uplink'?

site.toml:11:8: 'vlan' is a number from 1 to 4094
  11 | vlan = 4095
     |        ^~~~

site.toml:12:12: '10.0.0.11/24' is not a subnet
  12 | subnets = ["10.0.0.11/24"]
     |            ^~~~~~~~~~~~~~
its network is "10.0.0.0/24"

site.toml:13:9: unknown key 'storge'
  13 | [planes.storge]
     |         ^~~~~~
did you mean 'storage'?)");
}

TEST(Network, AVlanIsOnePlanes) {
    EXPECT_EQ(problems_of(head + uplink + "[planes.management]\nlink = \"uplink\"\nvlan = 10\n[planes.storage]\nlink = \"uplink\"\nvlan = 10\n"), R"(site.toml:12:1: VLAN 'uplink.10' is given twice
  12 | vlan = 10
     | ^~~~
site.toml:9:1: first given here
  9 | vlan = 10
    | ^~~~)");
    EXPECT_THAT(problems_of(head + uplink + management + "[planes.tunnel]\nlink = \"uplink\"\n"), HasSubstr("untagged plane of link 'uplink' is given twice"));
}

TEST(Network, AnMtuFitsItsLink) {
    EXPECT_EQ(problems_of(head + uplink + "[planes.management]\nlink = \"uplink\"\nvlan = 10\nmtu = 9000\n"), R"(site.toml:10:1: an MTU of 9000 is more than the 1500 of its link 'uplink'
  10 | mtu = 9000
     | ^~~
say mtu = 9000 in [[link]] as well, if its switches carry that)");
    EXPECT_THAT(problems_of(head + uplink + "mtu = 9000\n[planes.management]\nlink = \"uplink\"\nmtu = 1500\n"), HasSubstr("an untagged plane has the MTU of its link 'uplink', which is 9000"));
    // A template's link of that name is held against the plane as well.
    EXPECT_THAT(problems_of(head + uplink + "mtu = 9000\n[planes.management]\nlink = \"uplink\"\nvlan = 10\nmtu = 9000\n[[template.old.link]]\nname = \"uplink\"\n"),
                HasSubstr("an MTU of 9000 is more than the 1500 of its link 'uplink'"));
}

TEST(Network, SubnetsAndRoutersFit) {
    EXPECT_THAT(problems_of(head + uplink + management + "gateways = [\"10.0.1.1\"]\n"), HasSubstr("10.0.1.1 is no host of a subnet of this plane"));
    EXPECT_THAT(problems_of(head + uplink + management + "gateways = [\"10.0.0.255\"]\n"), HasSubstr("10.0.0.255 is no host of a subnet of this plane"));
    EXPECT_THAT(problems_of(head + uplink + management + "gateways = [\"10.0.0.1\", \"10.0.0.2\"]\n"), HasSubstr("gateway of '10.0.0.0/24' is given twice"));
    EXPECT_THAT(problems_of(head + uplink + management + "routes = [{ to = \"fd01::/64\", via = \"10.0.0.2\" }]\n"), HasSubstr("fd01::/64 is not reached by 10.0.0.2"));
    EXPECT_THAT(problems_of(head + uplink + management + "routes = [{ to = \"0.0.0.0/0\", via = \"10.0.0.2\" }]\n"), HasSubstr("'0.0.0.0/0' is not a subnet"));
    EXPECT_THAT(problems_of(head + uplink + management + "[planes.storage]\nlink = \"uplink\"\nvlan = 2\nsubnets = [\"10.0.0.0/16\"]\n"), HasSubstr("subnet 10.0.0.0/16 overlaps 10.0.0.0/24"));
    EXPECT_THAT(problems_of(head + uplink + management + "gateways = [\"10.0.0.1\"]\n[planes.storage]\nlink = \"uplink\"\nvlan = 2\nsubnets = [\"10.1.0.0/16\"]\ngateways = [\"10.1.0.1\"]\n"),
                HasSubstr("another plane has IPv4 gateways already"));
    EXPECT_THAT(problems_of(head + uplink + management + "addresses = \"automatic\"\n"), HasSubstr("'subnets' is about fixed addresses"));
}

TEST(Network, NamesOfLinksAreNoPorts) {
    for (const char* name : {"enp1s0", "eth0", "lo", "Uplink", "uplink-long", "1up", "br-ex", ""})
        EXPECT_THAT(problems_of(head + "[[link]]\nname = \"" + std::string(name) + "\"\n"), HasSubstr("is not the name of a link")) << name;
    for (const char* name : {"bond0", "uplink", "storage-a"}) EXPECT_EQ(problems_of(head + "[[link]]\nname = \"" + std::string(name) + "\"\n"), "no error") << name;
    EXPECT_THAT(problems_of(head + uplink + uplink), HasSubstr("link 'uplink' is given twice"));
    EXPECT_THAT(problems_of(head + uplink + "min_ports = 2\n"), HasSubstr("'min_ports' is about bonds"));
    EXPECT_THAT(problems_of(head + uplink + "min_speed = \"10G\"\n"), HasSubstr("'10G' is not a speed"));
}

TEST(Network, HasAManagementPlane) {
    EXPECT_THAT(problems_of(head + uplink + "[planes.storage]\nlink = \"uplink\"\n"), HasSubstr("there are planes, and none is 'management'"));
}

} // namespace

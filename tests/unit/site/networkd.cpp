// The files that systemd-networkd reads, word for word.

#include "reading.hpp"

#include <site/networkd.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::site;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

const std::vector<Port> ports{{.name = "enp2s0f1", .mac = *Mac::parse("3c:ec:ef:00:00:02"), .driver = "ice", .speed = 25000},
                              {.name = "enp2s0f0", .mac = *Mac::parse("3c:ec:ef:00:00:01"), .driver = "ice", .speed = 25000},
                              {.name = "eno1", .mac = *Mac::parse("3c:ec:ef:00:00:03"), .driver = "igb", .speed = 1000}};

// Each file with its name above it, without the heading that all have.
std::string shown(const std::variant<NetworkFiles, Miswired>& answer) {
    std::string text;
    if (const auto* miswired = std::get_if<Miswired>(&answer)) {
        for (const auto& reason : miswired->reasons) text += reason + "\n";
        return text;
    }
    constexpr std::string_view heading = "# From site.toml. Written anew at each start.\n\n";
    for (const auto& [name, content] : std::get<NetworkFiles>(answer)) {
        EXPECT_TRUE(content.starts_with(heading)) << content;
        text += "== " + name + "\n" + content.substr(heading.size());
    }
    return text;
}

constexpr std::string_view unnamed = R"(== 60-unnamed.network
[Match]
Type=ether
Kind=!*

[Link]
RequiredForOnline=no

[Network]
DHCP=no
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
)";

TEST(Networkd, ABondWithVlansAndBothFamilies) {
    const Site site = read_text(head + R"([[link]]
name = "bond0"
bond = "lacp"
driver = ["ice"]
mtu = 9000
[planes.management]
link = "bond0"
vlan = 10
subnets = ["10.0.0.0/24", "fd00::/64"]
gateways = ["10.0.0.1", "fd00::1"]
routes = [{ to = "192.0.2.0/24", via = "10.0.0.2" }]
dns = ["10.0.0.3", "fd00::3"]
domains = ["example.org", "example.net"]
[planes.storage]
link = "bond0"
vlan = 20
mtu = 9000
subnets = ["10.1.0.0/16"]
[planes.provider]
link = "bond0"
[[node]]
name = "n01"
serial = "S1"
addresses = { management = ["10.0.0.11", "fd00::11"], storage = ["10.1.0.11"] }
)");
    EXPECT_EQ(shown(network_files(site, &site.nodes.front(), ports)), std::string(R"(== 10-bond0.10.netdev
[NetDev]
Name=bond0.10
Kind=vlan
MTUBytes=1500

[VLAN]
Id=10
== 10-bond0.20.netdev
[NetDev]
Name=bond0.20
Kind=vlan
MTUBytes=9000

[VLAN]
Id=20
== 10-bond0.netdev
[NetDev]
Name=bond0
Kind=bond
MTUBytes=9000

[Bond]
Mode=802.3ad
LACPTransmitRate=fast
TransmitHashPolicy=layer3+4
AdSelect=bandwidth
MIIMonitorSec=100ms
MinLinks=1
== 20-bond0-enp2s0f0.network
[Match]
PermanentMACAddress=3c:ec:ef:00:00:01

[Link]
MTUBytes=9000

[Network]
Bond=bond0
== 20-bond0-enp2s0f1.network
[Match]
PermanentMACAddress=3c:ec:ef:00:00:02

[Link]
MTUBytes=9000

[Network]
Bond=bond0
== 30-bond0.10.network
[Match]
Name=bond0.10
Type=vlan

[Link]
MTUBytes=1500

[Network]
DHCP=no
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
ConfigureWithoutCarrier=yes
DNS=10.0.0.3
DNS=fd00::3
Domains=example.org example.net

[Address]
Address=10.0.0.11/24

[Route]
Gateway=10.0.0.1
PreferredSource=10.0.0.11

[Route]
Destination=192.0.2.0/24
Gateway=10.0.0.2
PreferredSource=10.0.0.11

[Address]
Address=fd00::11/64

[Route]
Gateway=fd00::1
PreferredSource=fd00::11
== 30-bond0.20.network
[Match]
Name=bond0.20
Type=vlan

[Link]
MTUBytes=9000

[Network]
DHCP=no
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
ConfigureWithoutCarrier=yes

[Address]
Address=10.1.0.11/16
== 30-bond0.network
[Match]
Name=bond0

[Link]
MTUBytes=9000
RequiredForOnline=no

[Network]
VLAN=bond0.10
VLAN=bond0.20
DHCP=no
IPv6AcceptRA=no
LinkLocalAddressing=no
)") + std::string(unnamed));
}

const std::string one_port = R"([[link]]
name = "uplink"
interface = ["eno*"]
[planes.management]
link = "uplink"
subnets = ["10.0.0.0/24", "10.0.1.0/24"]
gateways = ["10.0.0.1", "10.0.1.1"]
)";

TEST(Networkd, OnePortAndTheGatewayOfItsOwnRack) {
    const Site site = read_text(head + one_port + "[[node]]\nname = \"n01\"\nserial = \"S1\"\naddresses = { management = [\"10.0.1.11\"] }\n");
    EXPECT_EQ(shown(network_files(site, &site.nodes.front(), ports)), std::string(R"(== 30-uplink.network
[Match]
PermanentMACAddress=3c:ec:ef:00:00:03

[Link]
MTUBytes=1500

[Network]
DHCP=no
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
ConfigureWithoutCarrier=yes

[Address]
Address=10.0.1.11/24

[Route]
Gateway=10.0.1.1
PreferredSource=10.0.1.11
)") + std::string(unnamed));
}

TEST(Networkd, AddressesFromTheNetwork) {
    const Site site = read_text(head + "[[link]]\nname = \"uplink\"\nbond = \"active-backup\"\nmac = [\"3c:ec:ef:*\"]\nmin_speed = \"10 Gbit/s\"\n[planes.management]\nlink = \"uplink\"\naddresses = \"automatic\"\n");
    const auto answer = network_files(site, nullptr, {{.name = "host0", .mac = *Mac::parse("3c:ec:ef:00:00:09"), .permanent = false, .driver = "veth", .speed = 10000}});
    EXPECT_EQ(shown(answer), std::string(R"(== 10-uplink.netdev
[NetDev]
Name=uplink
Kind=bond
MTUBytes=1500

[Bond]
Mode=active-backup
PrimaryReselectPolicy=failure
MIIMonitorSec=100ms
MinLinks=1
== 20-uplink-host0.network
[Match]
Name=host0

[Link]
MTUBytes=1500

[Network]
Bond=uplink
== 30-uplink.network
[Match]
Name=uplink

[Link]
MTUBytes=1500

[Network]
DHCP=yes
IPv6AcceptRA=yes
LinkLocalAddressing=ipv6
)") + std::string(unnamed));
}

TEST(Networkd, PortsThatDoNotFit) {
    const auto render = [](const std::string& text) {
        const Site site = read_text(head + text + "[[node]]\nname = \"n01\"\nserial = \"S1\"\naddresses = { management = [\"10.0.0.11\"] }\n");
        return shown(network_files(site, &site.nodes.front(), ports));
    };
    const std::string plane = "[planes.management]\nlink = \"uplink\"\nsubnets = [\"10.0.0.0/24\"]\n";
    EXPECT_EQ(render("[[link]]\nname = \"uplink\"\ndriver = [\"mlx5_core\"]\n" + plane), "no port of this machine matches link 'uplink'\n");
    EXPECT_EQ(render("[[link]]\nname = \"uplink\"\nmin_speed = \"100 Gbit/s\"\n" + plane), "no port of this machine matches link 'uplink'\n");
    EXPECT_EQ(render("[[link]]\nname = \"uplink\"\ndriver = [\"ice\"]\n" + plane), "link 'uplink' is no bond, and 2 ports match it: enp2s0f0 (3c:ec:ef:00:00:01, ice), enp2s0f1 (3c:ec:ef:00:00:02, ice)\n");
    EXPECT_EQ(render("[[link]]\nname = \"uplink\"\ninterface = [\"eno1\"]\n[[link]]\nname = \"spare\"\ndriver = [\"igb\"]\n" + plane), "port eno1 matches link 'uplink' and link 'spare'\n");
}

TEST(Networkd, ALinkThatANodeNeedsForNothingMayBeMissing) {
    const Site site = read_text(head + one_port + "[[link]]\nname = \"fabric\"\ndriver = [\"mlx5_core\"]\n[planes.storage]\nlink = \"fabric\"\nsubnets = [\"10.1.0.0/24\"]\n"
                                                  "[[node]]\nname = \"n01\"\nserial = \"S1\"\naddresses = { management = [\"10.0.0.11\"] }\n"
                                                  "[[node]]\nname = \"n02\"\nserial = \"S2\"\naddresses = { management = [\"10.0.0.12\"], storage = [\"10.1.0.12\"] }\n");
    EXPECT_THAT(std::get<NetworkFiles>(network_files(site, &site.nodes.front(), ports)), testing::SizeIs(2));
    EXPECT_EQ(shown(network_files(site, &site.nodes.back(), ports)), "no port of this machine matches link 'fabric'\n");
}

TEST(Networkd, WithoutPlanesNothingIsSaid) { EXPECT_EQ(shown(network_files(read_text(head), nullptr, ports)), ""); }

} // namespace

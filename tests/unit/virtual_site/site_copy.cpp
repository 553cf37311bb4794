// What nodes on this machine are told in the place of their site.toml.

#include <virtual_site/site_copy.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <site/machine.hpp>
#include <site/networkd.hpp>
#include <toml/source.hpp>

#include <error_of.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::virtual_site;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

constexpr const char* id = "9f2c000102030405060708090a0b0c0d";

site::Site read(const std::string& text) {
    return site::read(toml::source_from_text("site.toml", text));
}

std::string site_text(const std::string& rest, const std::string& genesis = "voters = 3") {
    return std::string("[site]\nname = \"berlin-1\"\nid = \"") + id + "\"\n[genesis]\n" + genesis + "\n[install]\nencryption = \"off\"\n" + rest;
}

constexpr const char* three_by_serial = R"(
[[link]]
name = "uplink"
interface = ["en*"]
[planes.management]
link = "uplink"
subnets = ["10.0.0.0/24", "fd00:1::/64"]
[[node]]
name = "n01"
serial = "CZ1"
voter = true
roles = ["control", "storage"]
addresses = { management = ["10.0.0.11", "fd00:1::11"] }
[[node]]
name = "n02"
serial = "CZ2"
voter = true
roles = ["control"]
addresses = { management = ["10.0.0.12", "fd00:1::12"] }
[[node]]
name = "n03"
serial = "CZ3"
voter = true
addresses = { management = ["10.0.0.13", "fd00:1::13"] }
)";

std::vector<std::string> names_of(const SiteCopy& copy) {
    std::vector<std::string> names;
    for (const auto& node : copy.nodes) names.push_back(node.name);
    return names;
}

// What a node with this serial number and one port called `port` makes of the copy.
site::NetworkFiles network_of(const site::Site& copy, const std::string& serial, const std::string& port) {
    const auto node = site::node_of(copy, {.serial = serial, .macs = {}, .tpm_ek = {}});
    const auto files = site::network_files(copy, std::get<const site::Node*>(node), {{.name = port, .mac = *site::Mac::parse("52:54:00:00:00:01"), .permanent = false, .driver = {}, .speed = 0}});
    return std::get<site::NetworkFiles>(files);
}

TEST(SiteCopy, KeepsWhoTheNodesAreAndTheirAddresses) {
    const auto original = read(site_text(three_by_serial));
    const auto made = copy_for_this_machine(original, {});
    EXPECT_THAT(made.changes, ElementsAre("nodes are installed in place: [install.disk] is about other disks", "there is one link over a node's only port, in the place of 'uplink'"));
    EXPECT_THAT(names_of(made), ElementsAre("n01", "n02", "n03"));
    EXPECT_EQ(made.nodes[1].serial, "CZ2");
    EXPECT_THAT(made.nodes[0].roles, ElementsAre("control", "storage"));
    EXPECT_TRUE(made.nodes[0].voter);

    const auto copy = read(made.text);
    EXPECT_EQ(copy.id, original.id);
    EXPECT_EQ(copy.name, "berlin-1");
    EXPECT_EQ(copy.genesis, original.genesis);
    EXPECT_EQ(copy.place, site::Place::in_place);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(copy.nodes[i].addresses.at(site::Plane::management), original.nodes[i].addresses.at(site::Plane::management));
        EXPECT_EQ(copy.nodes[i].roles, original.nodes[i].roles);
        EXPECT_EQ(copy.nodes[i].voter, original.nodes[i].voter);
    }
    EXPECT_THAT(network_of(copy, "CZ2", "host0").at("30-lan.network"), HasSubstr("Address=10.0.0.12/24"));
}

// Everything that is about other machines is taken away, and said.
TEST(SiteCopy, SaysWhatItLeavesOut) {
    const auto made = copy_for_this_machine(read(R"([site]
name = "berlin-1"
id = "9f2c000102030405060708090a0b0c0d"
[genesis]
voters = 1
[install]
encryption = "off"
secure_boot = "require"
[install.require]
tpm = true
[[link]]
name = "bond0"
bond = "lacp"
interface = ["enp*"]
[[link]]
name = "backend"
interface = ["eno1"]
[planes.management]
link = "bond0"
vlan = 10
subnets = ["10.0.0.0/24"]
gateways = ["10.0.0.1"]
[planes.storage]
link = "backend"
subnets = ["10.1.0.0/24"]
[planes.tunnel]
link = "backend"
vlan = 30
subnets = ["10.2.0.0/24"]
[[node]]
name = "n01"
mac = "3c:ec:ef:00:00:01"
voter = true
addresses = { management = ["10.0.0.11"], storage = ["10.1.0.11"], tunnel = ["10.2.0.11"] }
ports = { bond0 = ["3c:ec:ef:00:00:01"], backend = ["3c:ec:ef:00:00:02"] }
[[node]]
name = "n02"
serial = "S2"
mac = "3c:ec:ef:00:00:03"
addresses = { management = ["10.0.0.12"], storage = ["10.1.0.12"], tunnel = ["10.2.0.12"] }
[discovery]
seeds = ["10.9.0.1"]
[vip]
addresses = ["10.0.0.10"]
router_id = 51
[time]
servers = ["10.0.0.1"]
[services]
memcached = false
[trust]
enrol_until = "2031-01-31"
require_tpm = true
[[disks.ceph]]
bus = ["nvme"]
)"), {});
    EXPECT_THAT(made.changes, ElementsAre("nodes are installed in place: [install.disk] is about other disks", "[install.require] is left out", "Secure Boot is as it is: containers have none",
                                          "there is one link over a node's only port, in the place of 'bond0', 'backend'", "plane 'management' is untagged, not VLAN 10",
                                          "gateways, routes and DNS are left out: nobody answers there", "planes 'storage', 'tunnel' are left out: the management plane is theirs, too",
                                          "'n01' is known by the serial number 'n01', not by its MAC address", "'n02' is known by its serial number alone",
                                          "seeds are left out: all nodes are on one switch", "time servers are left out: nodes have this machine's clock", "nodes need no TPM: containers have none",
                                          "disks of 'ceph' are left out: nodes have none here"));
    const auto copy = read(made.text);
    EXPECT_EQ(copy.vip.addresses.size(), 1U);
    EXPECT_EQ(copy.vip.router_id, 51U);
    EXPECT_FALSE(copy.services.at("memcached"));
    EXPECT_EQ(to_text(*copy.trust.enrol_until), "2031-01-31");
    EXPECT_FALSE(copy.trust.require_tpm);
    EXPECT_THAT(copy.time_servers, IsEmpty());
    EXPECT_THAT(copy.data_disks, IsEmpty());
    EXPECT_THAT(network_of(copy, "n01", "host0").at("30-lan.network"), HasSubstr("Address=10.0.0.11/24"));
}

TEST(SiteCopy, DisksForServicesAreAnyThatNodesHave) {
    const auto original = read(site_text(std::string(three_by_serial) + "[[disks.ceph]]\nbus = [\"nvme\"]\nmin_size = \"1 TiB\"\nserial = \"X*\"\nmin = 4\nmax = 8\nwipe = \"if-ours\"\nroles = [\"storage\"]\n"));
    const auto made = copy_for_this_machine(original, {.nodes = {}, .disks = 2, .ssh_keys = {}});
    EXPECT_THAT(made.changes, Contains("disks of 'ceph' are any that nodes have here: 2 each"));
    const auto copy = read(made.text);
    const auto& rule = copy.data_disks.at("ceph").at(0);
    EXPECT_THAT(rule.rule.buses, IsEmpty());
    EXPECT_EQ(rule.rule.min_size, std::nullopt);
    EXPECT_THAT(rule.rule.serial, IsEmpty());
    EXPECT_EQ(rule.rule.wipe, site::Wipe::if_ours);
    EXPECT_EQ(rule.min, 2U);
    EXPECT_EQ(rule.max, 8U);
    EXPECT_THAT(rule.roles, testing::ElementsAre("storage"));
}

TEST(SiteCopy, MachinesHaveATpmAndTheirPortsAnotherName) {
    const auto original = read(site_text(std::string(three_by_serial) + "[trust]\nrequire_tpm = true\n"));
    const auto made = copy_for_this_machine(original, {.vessel = Vessel::machine, .nodes = {}, .ssh_keys = {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== up"}});
    EXPECT_THAT(made.changes, Contains("this command may log in by SSH, with a key of its own"));
    EXPECT_THAT(made.changes, Not(Contains(HasSubstr("TPM"))));
    const auto copy = read(made.text);
    EXPECT_TRUE(copy.trust.require_tpm);
    EXPECT_THAT(copy.access.ssh_keys, ElementsAre("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== up"));
    EXPECT_THAT(network_of(copy, "CZ1", "enp0s4").at("30-lan.network"), HasSubstr("Address=10.0.0.11/24"));
}

// Who has no addresses gets some: there is no DHCP server on the switch.
TEST(SiteCopy, GivesAddressesWhereTheSiteHasNone) {
    const char* nodes = "[[node]]\nname = \"a\"\nserial = \"A\"\nvoter = true\n[[node]]\nname = \"b\"\nserial = \"B\"\n";
    const char* automatic = "[[link]]\nname = \"uplink\"\ninterface = [\"en*\"]\n[planes.management]\nlink = \"uplink\"\naddresses = \"automatic\"\n";
    for (const std::string& planes : {std::string(), std::string(automatic)}) {
        const auto made = copy_for_this_machine(read(site_text(planes + nodes, "mode = \"seed\"\nvoters = 1")), {});
        EXPECT_THAT(made.changes, Contains("nodes have fixed addresses in 10.77.0.0/16: nobody here gives them any"));
        const auto copy = read(made.text);
        EXPECT_EQ(copy.genesis->mode, site::Founding::seed);
        EXPECT_THAT(network_of(copy, "A", "host0").at("30-lan.network"), HasSubstr("Address=10.77.0.10/16"));
        EXPECT_THAT(network_of(copy, "B", "host0").at("30-lan.network"), HasSubstr("Address=10.77.0.11/16"));
    }
}

TEST(SiteCopy, KeepsOperatorsAndKeys) {
    const auto key = SigningKey::generate(SignatureScheme::ecdsa_p256).verifying_key();
    const auto original = read(site_text(std::string(three_by_serial) + "[access]\nssh_keys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== anna\"]\n[[access.operator]]\nname = \"anna\"\nroles = [\"operator\", \"admin\"]\nkey = '''\n" + key.pem() + "'''\n"));
    const auto copy = read(copy_for_this_machine(original, {}).text);
    EXPECT_EQ(copy.access, original.access);
}

TEST(SiteCopy, StartsTheFirstAndSaysWhoIsMissed) {
    const auto original = read(site_text(three_by_serial));
    const auto made = copy_for_this_machine(original, {.vessel = Vessel::container, .nodes = 2, .ssh_keys = {}});
    EXPECT_THAT(names_of(made), ElementsAre("n01", "n02"));
    EXPECT_THAT(made.changes, Contains("'n03' is a voter and is not started: the site will wait for it"));
    EXPECT_EQ(read(made.text).nodes.size(), 3U); // they know of each other
    EXPECT_EQ(error_of([&] { (void)copy_for_this_machine(original, {.vessel = Vessel::container, .nodes = 5, .ssh_keys = {}}); }),
              "cannot start 5 nodes of site 'berlin-1': it lists 3\n  hint: write more into site.toml or its table, or say --nodes 3");
}

TEST(SiteCopy, OfAnAnonymousSiteBlankMachinesAreStarted) {
    const auto original = read(site_text("", "mode = \"anonymous\"\nvoters = 3\nexpect = 3"));
    const auto made = copy_for_this_machine(original, {});
    EXPECT_THAT(names_of(made), ElementsAre("blank-1", "blank-2", "blank-3"));
    EXPECT_EQ(read(made.text).genesis, original.genesis);
    // Nobody can have written addresses for them.
    EXPECT_TRUE(made.wants_addresses);
    EXPECT_THAT(made.changes, Contains("addresses come from a DHCP server that this command starts"));
    EXPECT_EQ(read(made.text).planes.at(site::Plane::management).addressing, site::Addressing::automatic);
    EXPECT_FALSE(copy_for_this_machine(read(site_text(three_by_serial)), {}).wants_addresses);
}

TEST(SiteCopy, ASiteThatFoundsNothingIsRefused) {
    const auto single = read("[site]\nname = \"lab\"\n[install]\nencryption = \"off\"\n");
    EXPECT_EQ(error_of([&] { (void)copy_for_this_machine(single, {}); }), "cannot start site 'lab': it has no [genesis], so its nodes stay by themselves\n"
                                                                          "  hint: `ashlar site new` makes a site that begins; `ashlar boot` starts an image alone");
}

// Whatever an operator may write in a text comes back as it was.
TEST(SiteCopy, TextsKeepEveryCharacter) {
    const auto original = read(site_text(R"(
[[node]]
name = "n01"
serial = "a\"b\\c\td é"
voter = true
)", "mode = \"seed\"\nvoters = 1"));
    EXPECT_EQ(read(copy_for_this_machine(original, {}).text).nodes.at(0).serial, original.nodes.at(0).serial);
}

} // namespace

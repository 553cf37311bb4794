// Nodes: entries in the file, rows of the table, templates.

#include "reading.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::site;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

const std::string network = R"([[link]]
name = "uplink"
bond = "lacp"
[planes.management]
link = "uplink"
subnets = ["10.0.0.0/24", "fd00::/64"]
gateways = ["10.0.0.1"]
[planes.storage]
link = "uplink"
vlan = 20
subnets = ["10.1.0.0/24"]
[template.big]
roles = ["storage", "compute"]
)";
const std::string with_table = "[site]\nname = \"a\"\nnodes = \"nodes.csv\"\n[install]\nencryption = \"off\"\n" + network;
const std::string digest(64, 'a');

std::string node(const std::string& keys) { return head + network + "[[node]]\nname = \"n01\"\n" + keys; }

TEST(Nodes, EntriesAndRowsSayTheSame) {
    const Site entries = read_text(head + network + "[[node]]\nname = \"n01\"\nserial = \"S 1\"\nmac = \"52:54:00:00:00:01\"\ntpm_ek = \"sha256:" + digest +
                                   "\"\ntemplate = \"big\"\nvoter = false\naddresses = { management = [\"10.0.0.11\", \"fd00::11\"], storage = [\"10.1.0.11\"] }\n"
                                   "ports = { uplink = [\"52:54:00:00:00:01\", \"52:54:00:00:00:02\"] }\n");
    const Site rows = read_text(with_table, "name,serial,mac,tpm_ek,template,roles,voter,management,storage,tunnel,ports.uplink\n"
                                            "n01,S 1,52-54-00-00-00-01,sha256:" + digest + ",big,,FALSE,10.0.0.11 fd00::11,10.1.0.11,,52:54:00:00:00:01 52:54:00:00:00:02\n");
    for (const Site* site : {&entries, &rows}) {
        ASSERT_EQ(site->nodes.size(), 1U);
        const Node& node = site->nodes.front();
        EXPECT_EQ(node.name, "n01");
        EXPECT_EQ(node.serial, "S 1");
        EXPECT_EQ(node.mac->text(), "52:54:00:00:00:01");
        EXPECT_EQ(node.tpm_ek->hex(), digest);
        EXPECT_THAT(node.roles, ElementsAre("storage", "compute"));
        EXPECT_FALSE(node.voter);
        EXPECT_THAT(node.addresses.at(Plane::management), ElementsAre(*Address::parse("10.0.0.11"), *Address::parse("fd00::11")));
        EXPECT_THAT(node.addresses.at(Plane::storage), ElementsAre(*Address::parse("10.1.0.11")));
        ASSERT_EQ(node.links.size(), 1U);
        EXPECT_EQ(node.links.front().ports, (PortRule{.macs = {"52:54:00:00:00:01", "52:54:00:00:00:02"}}));
    }
}

TEST(Nodes, TwoHundredAreATable) {
    std::string table = "name,serial,template,management\n";
    for (int i = 1; i <= 200; ++i) table += fmt::format("n{:03},SN{},big,10.0.0.{}\n", i, i, i + 1);
    const Site site = read_text(with_table, table);
    EXPECT_EQ(site.nodes.size(), 200U);
    EXPECT_THAT(site.nodes.back().roles, ElementsAre("storage", "compute"));
}

TEST(Nodes, ATableSaysAllThatIsWrongAtOnceInItsOwnPlaces) {
    EXPECT_EQ(problems_of(with_table, "# which is which\nname,serial,template,management\n\nn01,S1,big,10.0.0.11\n  n02 ,S1,bgi,10.0.0.11 fd00::x\nn03,S3,10.0.0.12\n"),
              R"(nodes.csv:5:8: serial number 'S1' is given twice
  5 |   n02 ,S1,bgi,10.0.0.11 fd00::x
    |        ^~
nodes.csv:4:5: first given here
  4 | n01,S1,big,10.0.0.11
    |     ^~

nodes.csv:5:11: 'bgi' is no template
  5 |   n02 ,S1,bgi,10.0.0.11 fd00::x
    |           ^~~
did you mean 'big'?

nodes.csv:5:15: address '10.0.0.11' is given twice
  5 |   n02 ,S1,bgi,10.0.0.11 fd00::x
    |               ^~~~~~~~~
nodes.csv:4:12: first given here
  4 | n01,S1,big,10.0.0.11
    |            ^~~~~~~~~

nodes.csv:5:25: 'fd00::x' is not an address
  5 |   n02 ,S1,bgi,10.0.0.11 fd00::x
    |                         ^~~~~~~
write an IPv4 or IPv6 address, such as "10.0.0.11" or "fd00::11"

nodes.csv:6:1: this row has 3 cells, and the header has 4
  6 | n03,S3,10.0.0.12
    | ^~~~~~~~~~~~~~~~
write a comma for each cell that stays empty)");
}

TEST(Nodes, AHeaderIsStrict) {
    EXPECT_EQ(problems_of(with_table, "name,serail,management\n"), R"(nodes.csv:1:6: unknown column 'serail'
  1 | name,serail,management
    |      ^~~~~~
did you mean 'serial'?)");
    EXPECT_THAT(problems_of(with_table, "name;serial\n"), HasSubstr("divide cells by commas, not by ';' or tabs"));
    EXPECT_THAT(problems_of(with_table, "name,name\n"), HasSubstr("column 'name' is given twice"));
    EXPECT_THAT(problems_of(with_table, "serial\nS1\n"), HasSubstr("there is no column 'name'"));
    EXPECT_THAT(problems_of(with_table, ""), HasSubstr("there is no column 'name'"));
    EXPECT_THAT(problems_of(with_table, "name,serial,ports.uplnk,management\nn01,S,52:54:00:00:00:01,10.0.0.2\n"), HasSubstr("nodes.csv:1:13: 'uplnk' is no link"));
}

TEST(Nodes, CellsInQuotationMarks) {
    const Site site = read_text(with_table, "name,serial,management\r\n\"n01\" ,\"S, \"\"1\"\"\",10.0.0.11\r\n");
    EXPECT_EQ(site.nodes.front().serial, "S, \"1\"");
    EXPECT_THAT(problems_of(with_table, "name,serial,management\nn01,\"S,10.0.0.11\n"), HasSubstr("nodes.csv:2:5: the cell has no end on this line"));
    EXPECT_THAT(problems_of(with_table, "name,serial,management\nn01,\"S\"1,10.0.0.11\n"), HasSubstr("nodes.csv:2:8: text behind the end of a cell"));
    EXPECT_THAT(problems_of(with_table, "name,serial,management\nn01,S\"1,10.0.0.11\n"), HasSubstr("nodes.csv:2:6: a quotation mark inside a cell"));
}

TEST(Nodes, ATableLiesBesideTheFile) {
    EXPECT_THAT(problems_of(with_table), StartsWith("site.toml:3:9: cannot open 'nodes.csv': No such file or directory"));
    EXPECT_THAT(problems_of("[site]\nname = \"a\"\nnodes = \"../nodes.csv\"\n[install]\nencryption = \"off\"\n", ""), HasSubstr("is not the name of a file beside this one"));
}

TEST(Nodes, SomethingSaysWhichMachineItIs) {
    EXPECT_THAT(problems_of(node("addresses = { management = [\"10.0.0.11\"] }\n")), HasSubstr("nothing says which machine is node 'n01'"));
    EXPECT_THAT(problems_of(node("serial = \"To Be Filled By O.E.M.\"\n")), HasSubstr("is what machines say that have no serial number"));
    EXPECT_THAT(problems_of(node("serial = \"000000\"\n")), HasSubstr("is what machines say that have no serial number"));
    EXPECT_THAT(problems_of(node("mac = \"ff:ff:ff:ff:ff:ff\"\n")), HasSubstr("is not the MAC address of a port"));
    EXPECT_THAT(problems_of(node("tpm_ek = \"" + digest + "\"\n")), HasSubstr("is not the digest of a TPM's endorsement key"));
    EXPECT_THAT(problems_of(node("serial = \"S1\"\naddresses = { management = [\"10.0.0.11\"] }\n[[node]]\nname = \"n01\"\nserial = \"S2\"\naddresses = { management = [\"10.0.0.12\"] }\n")), HasSubstr("node 'n01' is given twice"));
}

TEST(Nodes, AddressesFitTheirPlanes) {
    const auto with = [](const std::string& addresses) { return problems_of(node("serial = \"S1\"\naddresses = { " + addresses + " }\n")); };
    EXPECT_EQ(with("management = [\"10.0.0.11\", \"fd00::11\"]"), "no error");
    EXPECT_EQ(with("management = [\"fd00::11\"]"), "no error");
    EXPECT_THAT(with("management = [\"10.0.2.11\"]"), HasSubstr("10.0.2.11 lies in no subnet of plane 'management'"));
    EXPECT_THAT(with("management = [\"10.0.0.255\"]"), HasSubstr("10.0.0.255 is no host's: it is an end of 10.0.0.0/24"));
    EXPECT_THAT(with("management = [\"10.0.0.1\"]"), HasSubstr("address '10.0.0.1' is given twice")); // the gateway's
    EXPECT_THAT(with("management = [\"10.0.0.11\", \"10.0.0.12\"]"), HasSubstr("node 'n01' has an IPv4 address in plane 'management' already"));
    EXPECT_THAT(with("management = [\"10.0.0.11/24\"]"), HasSubstr("leave out the length: the plane's subnets say it"));
    EXPECT_THAT(with("management = [\"10.0.0.11\"], tunnel = [\"10.3.0.11\"]"), HasSubstr("the site has no plane 'tunnel'"));
    EXPECT_THAT(with("storage = [\"10.1.0.11\"]"), HasSubstr("node 'n01' has no address in plane 'management'"));
}

TEST(Nodes, AllHearEachOther) {
    EXPECT_THAT(problems_of(with_table, "name,serial,management\nn01,S1,10.0.0.11\nn02,S2,fd00::12\n"), HasSubstr("nodes.csv:2:1: some nodes have only IPv4 in plane 'management', some only IPv6"));
    EXPECT_EQ(problems_of(with_table, "name,serial,management\nn01,S1,10.0.0.11\nn02,S2,10.0.0.12 fd00::12\n"), "no error");
}

TEST(Nodes, PortsAreOnesOwn) {
    const std::string entry = "serial = \"S1\"\naddresses = { management = [\"10.0.0.11\"] }\n";
    EXPECT_THAT(problems_of(node(entry + "ports = { uplink = [\"52:54:00:00:00:01\", \"52:54:00:00:00:01\"] }\n")), HasSubstr("port '52:54:00:00:00:01' is given twice"));
    EXPECT_THAT(problems_of(node(entry + "ports = { uplink = [] }\n")), HasSubstr("no port is given for link 'uplink'"));
    EXPECT_THAT(problems_of(node(entry + "ports = { downlink = [] }\n")), HasSubstr("'downlink' is no link"));
}

TEST(Nodes, ATemplatesLinkTakesThePlaceOfTheFiles) {
    const Site site = read_text(with_table + "[[template.big.link]]\nname = \"uplink\"\nbond = \"active-backup\"\n[[template.big.link]]\nname = \"cache\"\n", "name,serial,template,management\nn01,S1,big,10.0.0.11\nn02,S2,,10.0.0.12\n");
    ASSERT_EQ(site.nodes.front().links.size(), 2U);
    EXPECT_EQ(site.nodes.front().links.front().bond, Bond::active_backup);
    ASSERT_EQ(site.nodes.back().links.size(), 1U);
    EXPECT_EQ(site.nodes.back().links.front().bond, Bond::lacp);
}

} // namespace

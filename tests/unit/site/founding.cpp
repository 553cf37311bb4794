// How a site begins, whom it believes, and what its nodes are told besides; and what `site check` warns of.

#include "reading.hpp"

#include <site/review.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::site;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

namespace {

constexpr const char* id = "0123456789abcdef0123456789abcdef";
const std::string site_with_id = std::string("[site]\nname = \"a\"\nid = \"") + id + "\"\n[install]\nencryption = \"off\"\n";

std::string nodes(int voters, int others = 0) {
    std::string text;
    for (int i = 1; i <= voters + others; ++i) text += "[[node]]\nname = \"n" + std::to_string(i) + "\"\nserial = \"S" + std::to_string(i) + "\"\n" + (i <= voters ? "voter = true\n" : "");
    return text;
}

TEST(Genesis, InItsThreeModes) {
    const Site listed = read_text(site_with_id + "[genesis]\nvoters = 3\n" + nodes(3, 2));
    EXPECT_EQ(listed.id->text(), id);
    EXPECT_EQ(listed.genesis, (Genesis{.mode = Founding::listed, .voters = 3}));
    EXPECT_EQ(read_text(site_with_id + "[genesis]\nmode = \"anonymous\"\nvoters = 3\nexpect = 5\n").genesis, (Genesis{.mode = Founding::anonymous, .voters = 3, .expect = 5}));
    EXPECT_EQ(read_text(site_with_id + "[genesis]\nmode = \"seed\"\nvoters = 3\n" + nodes(1, 3)).genesis, (Genesis{.mode = Founding::seed, .voters = 3}));
    EXPECT_EQ(read_text(head).genesis, std::nullopt);
}

TEST(Genesis, HasAnOddNumberOfVoters) {
    EXPECT_EQ(problems_of(site_with_id + "[genesis]\nvoters = 4\n" + nodes(4)), R"(site.toml:7:10: a site has 1, 3 or 5 voters, not 4
  7 | voters = 4
    |          ^
4 voters outlive no more losses than 3 do)");
    EXPECT_THAT(problems_of(site_with_id + "[genesis]\n" + nodes(3)), HasSubstr("missing key 'voters'"));
}

TEST(Genesis, NamesAsManyAsItIsToHave) {
    EXPECT_EQ(problems_of(site_with_id + "[genesis]\nvoters = 3\n" + nodes(2, 1)), R"(site.toml:7:1: the site is to have 3 voters, and 2 are named
  7 | voters = 3
    | ^~~~~~
site.toml:11:9: node 'n1' is a voter
  11 | voter = true
     |         ^~~~
site.toml:15:9: node 'n2' is a voter
  15 | voter = true
     |         ^~~~
write `voter = true` in as many nodes)");
    EXPECT_THAT(problems_of(site_with_id + "[genesis]\nmode = \"anonymous\"\nvoters = 1\nexpect = 1\n" + nodes(1)), HasSubstr("voters are named, and the mode is \"anonymous\""));
    EXPECT_THAT(problems_of(site_with_id + "[genesis]\nmode = \"seed\"\nvoters = 3\n" + nodes(3)), HasSubstr("one node is the seed, and 3 are named"));
    EXPECT_THAT(problems_of(head + nodes(1)), HasSubstr("node 'n1' is a voter, and the site has no [genesis]"));
}

TEST(Genesis, ExpectsOnlyWhoIsNotListed) {
    EXPECT_THAT(problems_of(site_with_id + "[genesis]\nvoters = 3\nexpect = 3\n" + nodes(3)), HasSubstr("'expect' is about nodes that nobody lists"));
    EXPECT_THAT(problems_of(site_with_id + "[genesis]\nmode = \"anonymous\"\nvoters = 3\n"), HasSubstr("missing key 'expect'"));
    EXPECT_THAT(problems_of(site_with_id + "[genesis]\nmode = \"anonymous\"\nvoters = 3\nexpect = 2\n"), HasSubstr("'expect' is a number from 3 to 1000"));
}

TEST(Genesis, NeedsAnId) {
    EXPECT_THAT(problems_of(head + "[genesis]\nvoters = 1\n" + nodes(1)), StartsWith("site.toml:5:1: missing key 'id' in [site]"));
    for (const std::string bad : {"", "0123", "0123456789ABCDEF0123456789ABCDEF", "00000000000000000000000000000000"})
        EXPECT_THAT(problems_of("[site]\nname = \"a\"\nid = \"" + bad + "\"\n[install]\nencryption = \"off\"\n[genesis]\nvoters = 1\n" + nodes(1)), testing::AnyOf(HasSubstr("is not the id of a site"), HasSubstr("this id is nobody's"))) << bad;
}

const std::string plane = "[[link]]\nname = \"uplink\"\n[planes.management]\nlink = \"uplink\"\nsubnets = [\"10.0.0.0/24\"]\ngateways = [\"10.0.0.1\"]\n";

TEST(Reach, SeedsVipAndTime) {
    const Site site = read_text(head + plane + "[discovery]\nseeds = [\"10.0.1.11\", \"fd00::11\"]\n[vip]\naddresses = [\"10.0.0.10\"]\nrouter_id = 77\n[time]\nservers = [\"10.0.0.1\", \"ntp.example.org\"]\n");
    EXPECT_EQ(site.seeds.size(), 2U);
    EXPECT_THAT(site.vip.addresses, ElementsAre(*Address::parse("10.0.0.10")));
    EXPECT_EQ(site.vip.router_id, 77U);
    EXPECT_THAT(site.time_servers, ElementsAre("10.0.0.1", "ntp.example.org"));
    EXPECT_THAT(problems_of(head + plane + "[vip]\naddresses = [\"10.0.0.1\"]\n"), HasSubstr("address '10.0.0.1' is given twice"));
    EXPECT_THAT(problems_of(head + plane + "[vip]\naddresses = [\"10.9.0.1\"]\n"), HasSubstr("10.9.0.1 is no host of a subnet of plane 'management'"));
    EXPECT_THAT(problems_of(head + "[discovery]\nseeds = [\"224.0.0.247\"]\n"), HasSubstr("'224.0.0.247' is not the address of one host"));
    EXPECT_THAT(problems_of(head + "[discovery]\nseeds = [\"10.0.1.11\", \"10.0.1.11\"]\n"), HasSubstr("seed '10.0.1.11' is given twice"));
    EXPECT_THAT(problems_of(head + "[time]\nservers = [\"a b\"]\n"), HasSubstr("'a b' is not a time server"));
}

TEST(Services, AreWantedOrNot) {
    EXPECT_THAT(read_text(head + "[services]\nmemcached = false\nchrony = true\n").services, ElementsAre(testing::Pair("chrony", true), testing::Pair("memcached", false)));
    EXPECT_THAT(problems_of(head + "[services]\nchrony = \"yes\"\n"), HasSubstr("'chrony' must be true or false, not a string"));
    EXPECT_THAT(problems_of(head + "[services]\nChrony = true\n"), HasSubstr("'Chrony' is not the name of a service"));
}

TEST(DataDisks, AreRulesByName) {
    const Site site = read_text(head + "[[disks.ceph]]\nbus = [\"nvme\"]\nmin_size = \"400 GiB\"\nmin = 2\nmax = 8\nwipe = \"if-ours\"\nroles = [\"storage\"]\n[[disks.ceph]]\nmodel = \"HDD*\"\n");
    ASSERT_EQ(site.data_disks.at("ceph").size(), 2U);
    const DataDisks& first = site.data_disks.at("ceph").front();
    EXPECT_THAT(first.rule.buses, ElementsAre(Bus::nvme));
    EXPECT_EQ(first.rule.wipe, Wipe::if_ours);
    EXPECT_EQ(first.min, 2U);
    EXPECT_EQ(first.max, 8U);
    EXPECT_THAT(first.roles, ElementsAre("storage"));
    EXPECT_EQ(site.data_disks.at("ceph").back().rule.wipe, Wipe::if_blank);
    EXPECT_THAT(problems_of(head + "[[disks.ceph]]\nmin = 3\nmax = 2\n"), HasSubstr("'max' is smaller than 'min'"));
    EXPECT_THAT(problems_of(head + "[[disks.ceph]]\nsize = 3\n"), HasSubstr("unknown key 'size'"));
    EXPECT_THAT(problems_of(head + "[[disks.Ceph]]\n"), HasSubstr("'Ceph' is not the name of a set of disks"));
}

std::string pem(SignatureScheme scheme) { return "'''\n" + SigningKey::generate(scheme).verifying_key().pem() + "'''\n"; }
std::string one_operator(const std::string& name, const std::string& role) { return "[[access.operator]]\nname = \"" + name + "\"\nroles = [\"" + role + "\"]\nkey = " + pem(SignatureScheme::ecdsa_p256); }

TEST(Access, OperatorsHaveRolesAndKeys) {
    const Site site = read_text(head + "[[access.operator]]\nname = \"anna\"\nroles = [\"viewer\", \"approver\"]\nkey = " + pem(SignatureScheme::ed25519) + one_operator("ben", "admin"));
    ASSERT_EQ(site.access.operators.size(), 2U);
    EXPECT_TRUE(site.access.operators.front().has(OperatorRole::approver));
    EXPECT_FALSE(site.access.operators.front().has(OperatorRole::admin));
    EXPECT_EQ(site.access.operators.back().key.scheme(), SignatureScheme::ecdsa_p256);
    EXPECT_THAT(problems_of(head + one_operator("anna", "admin") + one_operator("anna", "viewer")), HasSubstr("operator 'anna' is given twice"));
    EXPECT_THAT(problems_of(head + one_operator("anna", "root")), HasSubstr("'root' is no role of an operator"));
    EXPECT_THAT(problems_of(head + "[[access.operator]]\nname = \"anna\"\nroles = [\"admin\"]\nkey = " + "'''\n" + PrivateKey::generate(RsaBits::rsa2048).public_key().pem() + "'''\n"),
                HasSubstr("this is not the public key of an operator"));
}

TEST(Trust, SaysWhoIsLetIn) {
    const PrivateKey key = PrivateKey::generate(RsaBits::rsa2048);
    const Certificate ca = make_self_signed(key, {.organisation = "Example", .common_name = "Example CA", .use = CertificateUse::key_exchange, .not_before = Time{}, .not_after = Time{} + std::chrono::days(30000)});
    const Site site = read_text(head + "[trust]\nenrol_until = \"2027-01-31\"\nrequire_tpm = true\napprove = \"by-hand\"\nca = '''\n" + ca.pem() + ca.pem() + "'''\n" + one_operator("anna", "approver"));
    EXPECT_EQ(site.trust.enrol_until, parse_day("2027-01-31"));
    EXPECT_TRUE(site.trust.require_tpm);
    EXPECT_EQ(site.trust.approve, Approval::by_hand);
    EXPECT_THAT(site.trust.ca, HasSubstr("BEGIN CERTIFICATE"));
    EXPECT_THAT(problems_of(head + "[trust]\nenrol_until = \"2027-02-31\"\n"), HasSubstr("'2027-02-31' is not a day"));
    EXPECT_THAT(problems_of(head + "[trust]\nca = '''\n" + ca.pem() + key.public_key().pem() + "'''\n"), HasSubstr("there is a 'PUBLIC KEY' among them"));
    EXPECT_THAT(problems_of(head + "[trust]\nca = \"x\"\n"), HasSubstr("there is none in PEM form in it"));
    EXPECT_THAT(problems_of(head + "[trust]\napprove = \"by-hand\"\n" + one_operator("anna", "viewer")), HasSubstr("nodes are approved by hand, and nobody may do it"));
}

// ---- Warnings ----------------------------------------------------------------------------------

const Day today = *parse_day("2026-12-01");

std::vector<std::string> warnings(const std::string& text) {
    std::vector<std::string> messages;
    for (const Warning& warning : review(read_text(text), today)) messages.push_back(warning.message);
    return messages;
}

TEST(Review, OfASiteThatFoundsNothing) {
    EXPECT_THAT(warnings(head), ElementsAre(StartsWith("there is no recovery key"), StartsWith("nobody can log in")));
    EXPECT_THAT(warnings(head + "wipe = \"always\"\n"), Contains(HasSubstr("is wiped whatever is on it")));
    EXPECT_THAT(warnings(head + nodes(0, 2)), Contains(StartsWith("there is no [genesis]")));
}

TEST(Review, OfABeginning) {
    EXPECT_THAT(warnings(site_with_id + "[genesis]\nvoters = 1\n" + nodes(1)),
                ElementsAre(StartsWith("there is no recovery key"), StartsWith("nobody can log in"), StartsWith("there is no operator"), StartsWith("there is one voter"), StartsWith("there are no time servers"),
                            StartsWith("media with the site key enrol nodes for ever")));
    const std::string good = site_with_id + "[genesis]\nvoters = 3\n" + nodes(3) + "[time]\nservers = [\"10.0.0.1\"]\n[trust]\nenrol_until = \"2027-01-31\"\n[access]\nssh_keys = [\"ssh-ed25519 AAAA anna\"]\n";
    EXPECT_THAT(warnings(good + one_operator("anna", "admin") + one_operator("ben", "admin")), ElementsAre(StartsWith("there is no recovery key")));
    EXPECT_THAT(warnings(good + one_operator("anna", "admin")), Contains(StartsWith("one operator is an admin")));
    for (const auto scheme : {SignatureScheme::ed25519, SignatureScheme::ecdsa_p384})
        EXPECT_THAT(warnings(good + one_operator("anna", "admin") + one_operator("ben", "admin") + "[[access.operator]]\nname = \"eva\"\nroles = [\"viewer\"]\nkey = " + pem(scheme)),
                    ElementsAre(StartsWith("there is no recovery key"), StartsWith("the key of operator 'eva' is not on P-256: the site gives no certificate for it")));
    EXPECT_THAT(warnings(site_with_id + "[genesis]\nmode = \"anonymous\"\nvoters = 3\nexpect = 4\n[trust]\nenrol_until = \"2026-11-30\"\n"),
                testing::AllOf(Contains(HasSubstr("where 8 and more are cut in two")), Contains("the site key has enrolled nobody since 2026-11-30")));
}

TEST(Review, OfANetwork) {
    const std::string begins = site_with_id + "[genesis]\nmode = \"anonymous\"\nvoters = 1\nexpect = 1\n";
    EXPECT_THAT(warnings(begins + plane), Contains("guests' packets are carried in plane 'management' with an MTU of 1500: they have 1442 left"));
    EXPECT_THAT(warnings(begins + "[[link]]\nname = \"uplink\"\nmtu = 1600\n[planes.management]\nlink = \"uplink\"\n"), Not(Contains(HasSubstr("guests"))));
    EXPECT_THAT(warnings(begins + plane + "[[link]]\nname = \"spare\"\n"), Contains("no plane lies on link 'spare'"));
    EXPECT_THAT(warnings(begins + "[[link]]\nname = \"uplink\"\n[planes.management]\nlink = \"uplink\"\nsubnets = [\"10.0.0.0/24\", \"10.0.1.0/24\"]\n"), Contains(HasSubstr("2 IPv4 subnets, and beacons do not pass routers")));
    const std::string racks = site_with_id + "[genesis]\nvoters = 1\n[[link]]\nname = \"uplink\"\n[planes.management]\nlink = \"uplink\"\nsubnets = [\"10.0.0.0/24\", \"10.0.1.0/24\"]\n"
                              "[[node]]\nname = \"n01\"\nserial = \"A\"\nvoter = true\naddresses = { management = [\"10.0.0.11\"] }\n[[node]]\nname = \"n02\"\nserial = \"B\"\naddresses = { management = [\"10.0.1.12\"] }\n";
    EXPECT_THAT(warnings(racks + "[discovery]\nseeds = [\"10.0.1.12\"]\n"), Contains("voter 'n01' is no seed: voters in other IPv4 subnets do not hear it"));
    EXPECT_THAT(warnings(racks + "[discovery]\nseeds = [\"10.0.0.11\"]\n"), Not(Contains(HasSubstr("seed"))));
    EXPECT_THAT(warnings(begins + "[[link]]\nname = \"uplink\"\n[planes.management]\nlink = \"uplink\"\naddresses = \"automatic\"\n"), Contains(StartsWith("addresses of plane 'management' come from the network")));
}

} // namespace

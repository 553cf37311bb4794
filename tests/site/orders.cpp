// What takes two persons: a node that is wiped, a site that is recovered. And what takes one: a site that is founded without a voter.

#include "site_test.hpp"

#include <base/text.hpp>
#include <signing/message_key.hpp>
#include <signing/node_id.hpp>

#include <thread>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Person {
    std::string name, roles; // "\"admin\""
    SigningKey key = SigningKey::generate(site_scheme);
    [[nodiscard]] std::string toml() const { return fmt::format("\n[[access.operator]]\nname = \"{}\"\nroles = [{}]\nkey = '''\n{}'''\n", name, roles, key.verifying_key().pem()); }
    [[nodiscard]] std::string file(std::string_view kind) const { return fmt::format("/run/{}.{}", name, kind); }
};

class OfTwo : public SiteTest {
protected:
    [[nodiscard]] std::string people() const { return anna_.toml() + ben_.toml(); }
    // Their keys are on that node from now on.
    static void sit_down(const Person& person, const Node& node) { said(node, {"sh", "-c", "umask 077; printf %s \"$1\" > " + person.file("key"), "sh", std::string(person.key.secret().text())}); }
    // And their certificates.
    void sit_down_with_certificates(const Node& voter) const {
        for (const auto* person : {&anna_, &ben_}) {
            sit_down(*person, voter);
            said(voter, {"ashlarctl", "operator", "request", "--key", person->file("key"), "-o", person->file("csr")});
            said(voter, {"ashlarctl", "operator", "certificate", person->file("csr"), "-o", person->file("pem")});
        }
        said(voter, {"ashlarctl", "site", "authority", "-o", "/run/authority.pem"});
    }
    [[nodiscard]] std::string said_by(const Person& person, const Node& voter, std::vector<std::string> words) const {
        words.insert(words.begin(), "ashlarctl");
        words.insert(words.end(), {"--voter", address(voter), "--key", person.file("key"), "--certificate", person.file("pem"), "--authority", "/run/authority.pem"});
        return said(voter, std::move(words));
    }
    static void sign(const Person& person, const Node& node) { said(node, {"ashlarctl", "order", "sign", "/run/order.json", "--key", person.file("key")}); }
    static std::string refused(const Node& node, std::vector<std::string> words) {
        const auto outcome = node.run(std::move(words));
        EXPECT_FALSE(outcome.ok());
        return outcome.errors;
    }
    [[nodiscard]] static bool comes_to_a_seat(const Node& node) {
        return wait_until(patience, [&] { return site_of(node).value("seat", false); });
    }

    // By two, from afar.
    void wipe(const std::string& name, const Node& voter) {
        EXPECT_THAT(refused(voter, {"ashlarctl", "node", "wipe", name, "--yes", name}), HasSubstr("'node.wipe' takes two persons"));
        const std::string proposed = said_by(anna_, voter, {"node", "wipe", name});
        const std::string id = proposed.substr(0, proposed.find(' '));
        EXPECT_EQ(said_by(ben_, voter, {"proposal", "agree", id}), "agreed, and done");
        EXPECT_THAT(said(voter, {"ashlarctl", "site", "audit"}), HasSubstr("proposed by anna, proposal " + id));
        EXPECT_THAT(said(voter, {"ashlarctl", "node", "list"}), Not(HasSubstr(name)));
    }
    // It ended by itself, and what starts in its place knows nothing of the site.
    static void comes_to_be_nobody(Node& node, const std::string& before) {
        ASSERT_TRUE(wait_until(patience, [&] { return !node.is_on(); })) << what_they_say({&node});
        node.cut_power();
        node.power_on();
        ASSERT_TRUE(is_up(node)) << read_file(node.console());
        const Json status = status_of(node);
        EXPECT_FALSE(status.contains("site")) << status;
        EXPECT_NE(status.at("hostname"), before);
        EXPECT_FALSE(node.run({"test", "-e", "/var/lib/kept"}).ok());
        EXPECT_FALSE(node.run({"test", "-e", "/var/lib/etcd/member"}).ok());
        // Neither copy of its state has the site's key, or the key that it had itself.
        const std::string state = read_file(node.console().parent_path() / "state");
        EXPECT_THAT(state, Not(HasSubstr("site_files")));
        EXPECT_THAT(state, Not(HasSubstr("\"private\"")));
        EXPECT_THAT(state, HasSubstr("last_reset"));
        EXPECT_TRUE(stays(12s, [&] { return site_of(node).empty(); }));
    }

    const Person anna_{.name = "anna", .roles = "\"admin\", \"viewer\""}, ben_{.name = "ben", .roles = "\"approver\""};
};
using Wiping = OfTwo;
using RecoveringByOrder = OfTwo;
using FoundingByOrder = OfTwo;

TEST_F(Wiping, ANodeErasesWhatItHas) {
    const Nodes nodes = nodes_of({.name = "berlin", .voters = 1, .others = 1, .more = people()});
    Node &voter = *nodes[0], &node = *nodes[1];
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    said(node, {"sh", "-c", "echo kept > /var/lib/kept; sync"});
    const std::string before = status_of(node).at("hostname");
    sit_down_with_certificates(voter);
    wipe("berlin-n2", voter);
    comes_to_be_nobody(node, before);
    EXPECT_THAT(said(voter, {"ashlarctl", "site", "audit"}), HasSubstr("refused (to-wipe)"));
}

// A voter that is away loses its seat at once, and its data when it comes back.
TEST_F(Wiping, AVoterThatWasAwayIsToldWhenItComesBack) {
    const Nodes nodes = voters_of({.name = "berlin", .more = people()});
    Node &voter = *nodes[0], &node = *nodes[2];
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    said(node, {"sh", "-c", "echo kept > /var/lib/kept; sync"});
    const std::string before = status_of(node).at("hostname");
    node.cut_power();
    sit_down_with_certificates(voter);
    wipe("berlin-n3", voter);
    EXPECT_THAT(etcd(voter, {"member", "list"}), Not(HasSubstr(address(node))));
    node.power_on();
    comes_to_be_nobody(node, before);
}

// Two of three are gone for good, and the plan names two who decide what then: root alone does not.
TEST_F(RecoveringByOrder, TakesAnOrderOfTwoWhereThePlanHasThem) {
    const Nodes nodes = voters_of({.name = "berlin", .more = people()});
    Node& survivor = *nodes[0];
    const Nodes lost{nodes[1], nodes[2]};
    const std::vector<std::string> without{"--lost", "berlin-n2", "--lost", "berlin-n3"}, by_order{"ashlarctl", "site", "recover", "--order", "/run/order.json", "--yes", "berlin"};
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    ASSERT_TRUE(comes_to_keep(survivor, "/test", "kept"));
    const std::string founded = genesis(survivor);
    std::vector<std::string> make{"ashlarctl", "order", "make", "recover", "-o", "/run/order.json"}, alone{"ashlarctl", "site", "recover", "--yes", "berlin"};
    make.insert(make.end(), without.begin(), without.end());
    alone.insert(alone.end(), without.begin(), without.end());
    EXPECT_THAT(refused(survivor, make), HasSubstr("is there, this node hears it"));

    cut_power(lost);
    ASSERT_TRUE(wait_until(patience, [&] { return survivor.run(make).ok(); })) << what_they_say({&survivor});
    EXPECT_THAT(refused(survivor, alone), AllOf(HasSubstr("cannot recover the site on one person's word: its plan names two who order it"), HasSubstr("ashlarctl order make recover")));
    EXPECT_THAT(refused(survivor, by_order), HasSubstr("nobody has signed it"));
    for (const auto* person : {&anna_, &ben_}) sit_down(*person, survivor);
    sign(anna_, survivor);
    EXPECT_THAT(refused(survivor, by_order), HasSubstr("anna cannot order it"));
    sign(ben_, survivor);
    said(survivor, by_order);
    ASSERT_TRUE(comes_to_a_seat(survivor)) << what_they_say({&survivor});
    EXPECT_TRUE(comes_to_keep(survivor, "/after", "kept"));
    EXPECT_TRUE(comes_to_have(survivor, "/test", "kept"));
    EXPECT_EQ(genesis(survivor), founded);
    EXPECT_THAT(said(survivor, {"ashlarctl", "site", "audit"}), HasSubstr("given up as lost; the site goes on without it; ordered by operators anna and ben"));

    // Others have those names by now: the order is about the ones that were.
    for (Node* node : lost) {
        node->reflash();
        node->power_on();
        ASSERT_TRUE(are_members({node})) << what_they_say(nodes);
        ASSERT_TRUE(comes_to_a_seat(*node)) << what_they_say(nodes);
    }
    ASSERT_TRUE(wait_until(patience, [&] { return survivor.run({"ashlarctl", "node", "list"}).output.find("berlin-n3") != std::string::npos; }));
    said(survivor, {"cp", "/run/order.json", "/var/lib/order.json"});
    std::this_thread::sleep_for(12s); // the survivor looks every ten
    cut_power(nodes);
    survivor.power_on();
    const std::vector<std::string> again{"ashlarctl", "site", "recover", "--order", "/var/lib/order.json", "--yes", "berlin"};
    EXPECT_TRUE(wait_until(patience, [&] { return survivor.run(again).errors.find("is another machine by now, under the same name") != std::string::npos; })) << survivor.run(again).errors;
}

// One of three never comes: an admin's order does without it. When it comes, it joins.
TEST_F(FoundingByOrder, DoesWithoutAVoter) {
    const Nodes nodes = voters_of({.name = "berlin", .more = people()});
    Node& first = *nodes[0];
    const Nodes there{nodes[0], nodes[1]};
    power_on(there);
    ASSERT_TRUE(comes_to_say(first, "waiting for berlin-n3")) << what_they_say(there);
    EXPECT_THAT(refused(first, {"ashlarctl", "order", "make", "found", "--without", "berlin-n2", "--without", "berlin-n3"}), HasSubstr("more than half of its declared voters must be left"));
    said(first, {"ashlarctl", "order", "make", "found", "--without", "berlin-n3", "-o", "/run/order.json"});
    const std::vector<std::string> by_order{"ashlarctl", "site", "found", "--order", "/run/order.json"};
    for (const auto* person : {&anna_, &ben_}) sit_down(*person, first);
    sign(ben_, first);
    EXPECT_THAT(refused(first, by_order), HasSubstr("ben cannot order it: it takes one who is 'admin'"));
    sign(anna_, first);
    said(first, by_order);
    ASSERT_TRUE(are_members(there)) << what_they_say(there);
    EXPECT_THAT(refused(first, by_order), HasSubstr("it is founded"));
    nodes[2]->power_on();
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_EQ(geneses(nodes), std::set<std::string>{genesis(first)});
}

} // namespace
} // namespace ashlar::virtual_site

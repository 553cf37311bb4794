// RabbitMQ on the nodes of a site: one broker, whatever happens to them.

#include "service_test.hpp"

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

constexpr auto forming = 400s; // of a busy machine

class Rabbitmq : public ServiceTest {
protected:
    Rabbitmq() : ServiceTest({"rabbitmq"}, forming, "ashlarctl why rabbitmq; /usr/lib/ashlar/observe/rabbitmq; journalctl -u ashlar-rabbitmq -o cat --no-pager | tail -30") {}

    // Nothing else of a control node than what it needs.
    [[nodiscard]] static Sketch sketch() { return {.name = "berlin", .more = "\n[services]\ngalera = false\novn-central = false\novn-northd = false\n", .roles = R"("control")"}; }

    [[nodiscard]] static Json seen(const Node& node) { return parse_json(said(node, {"/usr/lib/ashlar/observe/rabbitmq"}), "observation"); }
    [[nodiscard]] static std::set<std::string> reached(const Node& node) { return seen(node).at("reached").get<std::set<std::string>>(); }
    [[nodiscard]] static std::set<std::string> members(const Node& node) { return seen(node).at("members").get<std::set<std::string>>(); }

    // As a client of AMQP 0-9-1 that shows this certificate: an answer to its greeting is "served".
    [[nodiscard]] static std::string talk(const Node& from, const std::string& to, int port, const std::string& shown) {
        return said(from, {"python3", "-c", R"(
import socket, ssl, sys
host, port, shown = sys.argv[1:]
try:
    s = socket.create_connection((host, int(port)), 5)
    s.settimeout(3)
    if shown != 'plain':
        c = ssl.create_default_context(cafile='/run/rabbitmq/authority.pem')
        if shown != 'none': c.load_cert_chain(shown)
        s = c.wrap_socket(s, server_hostname='rabbitmq.ashlar')
    s.sendall(b'AMQP\x00\x00\x09\x01')
    try: got = s.recv(999)
    except TimeoutError: got = b'open'
    print('served' if got and got[0] not in (21, 22) else 'refused')
except OSError:
    print('refused')
)", to, std::to_string(port), shown});
    }
};

TEST_F(Rabbitmq, ThreeNodesAreOneBrokerAndStrangersAreNotServed) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    const std::set<std::string> all{"berlin-n1", "berlin-n2", "berlin-n3"};
    for (const Node* node : nodes) {
        EXPECT_TRUE(wait_until(patience, [&] { return reached(*node) == all; })) << seen(*node).dump();
        EXPECT_EQ(seen(*node).at("raft"), true);
        EXPECT_EQ(said(*node, {"sh", "-c", "ss -Hltn 'sport = :4369 or sport = :5672'"}), "") << "no epmd, and nothing in the clear";
    }
    give_foreign_certificate(*nodes[1], "rabbitmq");
    EXPECT_EQ(talk(*nodes[1], address(*nodes[0]), 5671, "/run/rabbitmq/identity.pem"), "served");
    for (const int port : {5671, 25672})
        for (const char* shown : {"plain", "none", "/run/foreign.pem"}) EXPECT_EQ(talk(*nodes[1], address(*nodes[0]), port, shown), "refused") << port << ", " << shown;

    // The command line, from one node to another.
    EXPECT_THAT(said(*nodes[0], {"rabbitmqctl", "--quiet", "--node", "rabbit@berlin-n3", "list_users"}), HasSubstr("ashlar"));

    nodes[2]->cut_power();
    ASSERT_TRUE(wait_until(patience, [&] { return reached(*nodes[0]) == std::set<std::string>{"berlin-n1", "berlin-n2"}; })) << why(nodes);
    EXPECT_TRUE(is_formed(*nodes[0])) << "the others go on";
    EXPECT_FALSE(nodes[0]->run({"/usr/lib/ashlar/check/rabbitmq", "members"}).ok()) << "the check can fail";
    ASSERT_NO_FATAL_FAILURE(power_on_and_form({nodes[2]}, "the one without power"));
    EXPECT_TRUE(wait_until(patience, [&] { return reached(*nodes[2]) == all && reached(*nodes[0]) == all; })) << why(nodes);
    for (const char* check : {"members", "message"}) {
        const auto outcome = nodes[1]->run({"/usr/lib/ashlar/check/rabbitmq", check});
        EXPECT_TRUE(outcome.ok()) << outcome.output << outcome.errors;
    }
    EXPECT_EQ(said(*nodes[1], {"rabbitmqctl", "--quiet", "list_queues", "name", "--no-table-headers"}), "") << "the check takes away what it made";
}

// ---- In ring long ----

TEST_F(Rabbitmq, APowerCutAndAnOrderlyStopOfAllAreHealedByThemselves) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    said(*nodes[0], {"rabbitmqctl", "--quiet", "add_vhost", "kept", "--default-queue-type", "quorum"});
    cut_power(nodes);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "after a power cut of all"));
    EXPECT_THAT(said(*nodes[1], {"rabbitmqctl", "--quiet", "list_vhosts"}), HasSubstr("kept"));
    shut_down(nodes);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "after an orderly stop of all"));
    EXPECT_THAT(said(*nodes[2], {"rabbitmqctl", "--quiet", "list_vhosts"}), HasSubstr("kept"));
}

TEST_F(Rabbitmq, AReflashedNodeAndOneWithoutItsDataAreMembersAgain) {
    const Nodes nodes = voters_of(sketch());
    const std::set<std::string> all{"berlin-n1", "berlin-n2", "berlin-n3"};
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    said(*nodes[0], {"rabbitmqctl", "--quiet", "add_vhost", "kept"});
    Node& poor = *nodes[2];
    poor.cut_power();
    poor.lose_var();
    ASSERT_NO_FATAL_FAILURE(power_on_and_form({&poor}, "the one without data"));
    EXPECT_THAT(said(poor, {"rabbitmqctl", "--quiet", "list_vhosts"}), HasSubstr("kept"));
    EXPECT_EQ(members(poor), all);

    Node& again = *nodes[1];
    again.cut_power();
    again.reflash();
    again.power_on();
    ASSERT_TRUE(wait_until(patience, [&] { return site_of(again).contains("code"); })) << what_they_say(nodes);
    said(*nodes[0], {"ashlarctl", "node", "approve", "berlin-n2"});
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    ASSERT_TRUE(are_formed(nodes)) << why(nodes);
    for (const Node* node : nodes) EXPECT_EQ(members(*node), all);
}

TEST_F(Rabbitmq, ARemovedNodeIsForgotten) {
    auto four = sketch();
    four.others = 1;
    const Nodes nodes = nodes_of(four), stay(nodes.begin(), nodes.begin() + 3);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "four nodes"));
    EXPECT_EQ(members(*nodes[0]).size(), 4U);
    nodes[3]->cut_power();
    said(*nodes[0], {"ashlarctl", "node", "remove", "berlin-n4"});
    EXPECT_TRUE(wait_until(forming, [&] { return members(*nodes[0]) == std::set<std::string>{"berlin-n1", "berlin-n2", "berlin-n3"}; })) << why(stay);
    ASSERT_TRUE(are_formed(stay)) << why(stay);
}

TEST_F(Rabbitmq, CertificatesAreRenewedWithoutAnOutage) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    const auto serial = [&](const Node& node, int port) {
        return said(*nodes[0], {"sh", "-c", fmt::format("openssl s_client -connect {}:{} -cert /run/rabbitmq/identity.pem -key /run/rabbitmq/identity.pem </dev/null 2>/dev/null | openssl x509 -noout -serial", address(node), port)});
    };
    std::vector<std::string> before, running;
    const auto pid = [](const Node& node) { return said(node, {"systemctl", "show", "--property=MainPID", "--value", "ashlar-rabbitmq"}); };
    for (const Node* node : nodes) {
        before.push_back(serial(*node, 5671) + serial(*node, 25672));
        running.push_back(pid(*node));
    }
    for (const Node* node : nodes) said(*node, {"sh", "-c", "rm /var/lib/ashlar/certificates/rabbitmq.json; systemctl restart --no-block ashlard"});
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (const int port : {5671, 25672}) EXPECT_TRUE(wait_until(patience, [&] { return before[i].find(serial(*nodes[i], port)) == std::string::npos; })) << i << ", " << port;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        EXPECT_EQ(pid(*nodes[i]), running[i]) << "it was started again";
        EXPECT_EQ(reached(*nodes[i]).size(), 3U);
    }
}

} // namespace
} // namespace ashlar::virtual_site

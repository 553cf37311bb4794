// MariaDB Galera on the nodes of a site: one database, whatever happens to them, and nothing that was acknowledged is lost.

#include "service_test.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

constexpr auto forming = 400s; // of a busy machine

class Galera : public ServiceTest {
protected:
    Galera() : ServiceTest({"galera"}, forming, "ashlarctl why galera; /usr/lib/ashlar/observe/galera; journalctl -u mariadb -o cat --no-pager | tail -30") {}

    // Nothing else of a control node than what it needs.
    [[nodiscard]] static Sketch sketch() { return {.name = "berlin", .more = "\n[services]\nrabbitmq = false\novn-central = false\novn-northd = false\n", .roles = R"("control")"}; }

    static std::string sql(const Node& node, const std::string& text) { return said(node, {"mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--batch", "--skip-column-names", "--execute", text}); }
    [[nodiscard]] static std::string size(const Node& node) { return sql(node, "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_cluster_size'"); }
    [[nodiscard]] static std::string main_pid(const Node& node) { return said(node, {"systemctl", "show", "--property=MainPID", "--value", "mariadb"}); }

    // ---- Writers ----

    static void make_table(const Node& node) { sql(node, "CREATE TABLE ashlar.written (i INT PRIMARY KEY)"); }
    // Numbers from `from` on, as services write: by the network. What was acknowledged is noted where a power cut leaves it.
    static void write_all_the_time(const Node& node, int from) {
        said(node, {"systemd-run", "--quiet", "--unit=writer", "--collect", "sh", "-c",
                    fmt::format("i={}; while :; do mariadb --defaults-file=/run/galera/client.cnf --execute \"INSERT INTO ashlar.written VALUES ($i)\" && echo $i >>/var/lib/acknowledged; i=$((i+1)); done", from)});
    }
    [[nodiscard]] static std::vector<int> acknowledged(const Node& node) {
        said(node, {"sh", "-c", "systemctl stop writer 2>/dev/null || true"}); // gone with its node's power, where that was cut
        std::vector<int> numbers;
        const std::string text = said(node, {"cat", "/var/lib/acknowledged"});
        for (const auto line : split(text, '\n'))
            if (!line.empty()) numbers.push_back(std::stoi(std::string(line)));
        return numbers;
    }
    static void expect_all(const std::vector<int>& numbers, const Node& node, const char* what) {
        EXPECT_GT(numbers.size(), 5U) << what;
        std::set<std::string> kept;
        const std::string text = sql(node, "SELECT i FROM ashlar.written");
        for (const auto line : split(text, '\n')) kept.emplace(line);
        for (const int number : numbers) EXPECT_TRUE(kept.contains(std::to_string(number))) << number << " was acknowledged: " << what;
        fmt::print("{}: {} acknowledged writes, all are there\n", what, numbers.size());
    }

    // What a client is told that shows this certificate, or none: "in", or "out".
    [[nodiscard]] static std::string knocks(const Node& from, const std::string& to, int port, const std::string& shown) {
        return said(from, {"python3", "-c", R"(
import socket, ssl, sys
host, port, shown = sys.argv[1:]
try:
    s = socket.create_connection((host, int(port)), 5)
    s.settimeout(3)
    if shown == 'plain':
        s.sendall(b'x' * 64)
        got = s.recv(99)
        print('in' if got and got[0] not in (21, 22) else 'out')
        sys.exit()
    if port == '3306':
        s.recv(999); s.sendall(bytes([32, 0, 0, 1, 0, 0x8a, 0, 0]) + bytes(28))
    c = ssl.create_default_context(cafile='/run/galera/authority.pem')
    if shown != 'none': c.load_cert_chain(shown)
    s = c.wrap_socket(s, server_hostname='galera.ashlar')
    try: s.recv(1)
    except TimeoutError: pass
    print('in')
except OSError:
    print('out')
)", to, std::to_string(port), shown});
    }
};

TEST_F(Galera, ThreeNodesHaveOneDatabaseAndAPowerCutOfOneLosesNothing) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    for (const Node* node : nodes) EXPECT_EQ(size(*node), "3");

    give_foreign_certificate(*nodes[1], "galera");
    for (const int port : {4567, 4569}) {
        EXPECT_EQ(knocks(*nodes[1], address(*nodes[0]), port, "/run/galera/identity.pem"), "in") << port;
        for (const char* shown : {"plain", "none", "/run/foreign.pem"}) EXPECT_EQ(knocks(*nodes[1], address(*nodes[0]), port, shown), "out") << port << ", " << shown;
    }
    EXPECT_EQ(knocks(*nodes[1], address(*nodes[0]), 3306, "/run/foreign.pem"), "out");
    // A password is not enough, and neither is TLS.
    const auto client = [&](const std::string& options) { return nodes[1]->run({"sh", "-c", "grep -v ^ssl /run/galera/client.cnf >/run/bare.cnf; mariadb --defaults-file=/run/bare.cnf --host=" + address(*nodes[0]) + " " + options + " --execute 'SELECT 1'"}); };
    EXPECT_TRUE(client("--ssl-ca=/run/galera/authority.pem --ssl-cert=/run/galera/identity.pem --ssl-key=/run/galera/identity.pem").ok());
    EXPECT_THAT(client("--skip-ssl").errors, HasSubstr("insecure transport"));
    EXPECT_THAT(client("--ssl-ca=/run/galera/authority.pem").errors, HasSubstr("Access denied"));

    make_table(*nodes[0]);
    write_all_the_time(*nodes[0], 1);
    write_all_the_time(*nodes[2], 1'000'000);
    std::this_thread::sleep_for(5s);
    nodes[2]->cut_power();
    std::this_thread::sleep_for(10s);
    const auto written = acknowledged(*nodes[0]);
    expect_all(written, *nodes[1], "on a node that stayed");
    EXPECT_EQ(size(*nodes[0]), "2");
    EXPECT_FALSE(nodes[0]->run({"/usr/lib/ashlar/check/galera", "members"}).ok()) << "the check can fail";
    ASSERT_NO_FATAL_FAILURE(power_on_and_form({nodes[2]}, "the one without power"));
    expect_all(written, *nodes[2], "on the node that came back");
    expect_all(acknowledged(*nodes[2]), *nodes[0], "written by the node that lost its power");
    for (const Node* node : nodes) EXPECT_EQ(size(*node), "3");
    for (const char* check : {"members", "write"}) {
        const auto outcome = nodes[1]->run({"/usr/lib/ashlar/check/galera", check});
        EXPECT_TRUE(outcome.ok()) << outcome.output << outcome.errors;
    }
    EXPECT_EQ(sql(*nodes[1], "SHOW TABLES IN ashlar"), "written") << "the check takes away what it made";
}

// ---- In ring long ----

TEST_F(Galera, APowerCutAndAnOrderlyStopOfAllAreHealedByThemselves) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    make_table(*nodes[0]);
    for (int i = 0; const Node* node : nodes) write_all_the_time(*node, 1 + i++ * 1'000'000);
    std::this_thread::sleep_for(5s);
    cut_power(nodes);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "after a power cut of all"));
    for (const Node* node : nodes)
        for (const Node* other : nodes) expect_all(acknowledged(*node), *other, "after a power cut of all");

    said(*nodes[1], {"rm", "/var/lib/acknowledged"});
    write_all_the_time(*nodes[1], 5'000'000);
    std::this_thread::sleep_for(5s);
    const auto written = acknowledged(*nodes[1]);
    shut_down(nodes);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "after an orderly stop of all"));
    expect_all(written, *nodes[2], "after an orderly stop of all");
    for (const Node* node : nodes) EXPECT_EQ(size(*node), "3");
}

// It might have what nobody else has. What it takes is its return, or a word that it will not.
TEST_F(Galera, NobodyBeginsAgainWhileOneIsSilent) {
    const Nodes nodes = voters_of(sketch()), stay{nodes[0], nodes[1]};
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    make_table(*nodes[0]);
    sql(*nodes[0], "INSERT INTO ashlar.written VALUES (1)");
    cut_power(nodes);
    power_on(stay);
    ASSERT_TRUE(are_members(stay)) << what_they_say(stay);
    const auto waits = [&](const Node& node) { return node.run({"/usr/lib/ashlar/observe/galera"}).output.find(R"("decision": "wait", "silent": ["berlin-n3"])") != std::string::npos; };
    ASSERT_TRUE(wait_until(patience, [&] { return std::ranges::all_of(stay, [&](const Node* node) { return waits(*node); }); })) << why(stay);
    EXPECT_TRUE(stays(20s, [&] { return std::ranges::all_of(stay, [&](const Node* node) { return waits(*node); }); }));
    EXPECT_THAT(nodes[0]->run({"/usr/lib/ashlar/form/galera", "undecided"}).errors, HasSubstr("berlin-n3 have not said"));
    said(*nodes[0], {"ashlarctl", "node", "remove", "berlin-n3"});
    ASSERT_TRUE(are_formed(stay)) << why(stay);
    EXPECT_EQ(sql(*nodes[1], "SELECT i FROM ashlar.written"), "1");
    EXPECT_EQ(size(*nodes[0]), "2");
}

TEST_F(Galera, AReflashedNodeAndOneWithoutItsDataAreGivenAll) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    make_table(*nodes[0]);
    sql(*nodes[0], "INSERT INTO ashlar.written VALUES (1)");
    Node& poor = *nodes[2];
    poor.cut_power();
    poor.lose_var();
    ASSERT_NO_FATAL_FAILURE(power_on_and_form({&poor}, "the one without data"));
    EXPECT_EQ(sql(poor, "SELECT i FROM ashlar.written"), "1");

    Node& again = *nodes[1];
    again.cut_power();
    again.reflash();
    again.power_on();
    ASSERT_TRUE(wait_until(patience, [&] { return site_of(again).contains("code"); })) << what_they_say(nodes);
    said(*nodes[0], {"ashlarctl", "node", "approve", "berlin-n2"});
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    ASSERT_TRUE(are_formed(nodes)) << why(nodes);
    EXPECT_EQ(sql(again, "SELECT i FROM ashlar.written"), "1");
    for (const Node* node : nodes) EXPECT_EQ(size(*node), "3");
}

TEST_F(Galera, CertificatesAreRenewedWithoutAnOutage) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    const auto serial = [&](const Node& node) { return said(*nodes[0], {"sh", "-c", "openssl s_client -starttls mysql -connect " + address(node) + ":3306 </dev/null 2>/dev/null | openssl x509 -noout -serial"}); };
    std::vector<std::string> before, running;
    for (const Node* node : nodes) {
        before.push_back(serial(*node));
        running.push_back(main_pid(*node));
    }
    make_table(*nodes[0]);
    write_all_the_time(*nodes[0], 1);
    for (const Node* node : nodes) said(*node, {"sh", "-c", "rm /var/lib/ashlar/certificates/galera.json; systemctl restart --no-block ashlard"});
    for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_TRUE(wait_until(patience, [&] { return serial(*nodes[i]) != before[i]; })) << i;
    const auto written = acknowledged(*nodes[0]);
    expect_all(written, *nodes[2], "with new certificates");
    EXPECT_EQ(static_cast<int>(written.size()), written.back()) << "one was refused";
    for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_EQ(main_pid(*nodes[i]), running[i]) << "it was started again";
    // Members know each other by the new ones, too.
    nodes[2]->cut_power();
    ASSERT_NO_FATAL_FAILURE(power_on_and_form({nodes[2]}, "the one without power"));
    EXPECT_EQ(size(*nodes[0]), "3");
}

} // namespace
} // namespace ashlar::virtual_site

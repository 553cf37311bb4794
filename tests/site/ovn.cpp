// Open vSwitch and OVN on the nodes of a site: networks of guests that reach from node to node, whatever happens to one of them.

#include "service_test.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto forming = 300s; // of a busy machine
constexpr std::array own{"openvswitch", "ovn-central", "ovn-northd", "ovn-controller"};
constexpr std::array ports{6641, 6642, 6643, 6644};

class Ovn : public ServiceTest {
protected:
    Ovn() : ServiceTest({own.begin(), own.end()}, forming) {}

    [[nodiscard]] static Sketch sketch() { return {.name = "berlin", .roles = R"("control", "network", "compute")"}; }

    // Says how long it took, and how busy the machine was; nothing is judged by it.
    void power_on_and_form(const Nodes& nodes, const char* what) {
        const auto began = std::chrono::steady_clock::now();
        power_on(nodes);
        ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
        const auto members = std::chrono::steady_clock::now();
        ASSERT_TRUE(are_formed(nodes)) << what_they_say(nodes);
        const auto seconds = [&](auto until) { return std::chrono::duration<double>(until - began).count(); };
        std::string load;
        std::ifstream("/proc/loadavg") >> load;
        fmt::print("{}: members after {:.1f} s, OVN after {:.1f} s from power-on, load {}\n", what, seconds(members), seconds(std::chrono::steady_clock::now()), load);
    }

    // ---- What OVN's own tools say ----

    [[nodiscard]] static std::string id(const Node& node) { return site_of(node).at("node"); }
    static std::string nbctl(const Node& node, const std::string& words) { return said(node, {"sh", "-c", "ovn-nbctl --db=unix:/run/ovn/ovnnb_db.sock --no-leader-only --timeout=30 " + words}); }
    [[nodiscard]] static std::string chassis(const Node& node) { return said(node, {"ovn-sbctl", "--db=unix:/run/ovn/ovnsb_db.sock", "--no-leader-only", "--bare", "--columns=hostname", "list", "Chassis"}); }
    [[nodiscard]] static std::string status(const Node& node, const char* kind = "nb") {
        return node.run({"ovn-appctl", "-t", fmt::format("/run/ovn/ovn{}_db.ctl", kind), "cluster/status", kind == std::string_view("nb") ? "OVN_Northbound" : "OVN_Southbound"}).output;
    }
    // How many servers each of the clusters has, as a member says.
    [[nodiscard]] static std::array<std::ptrdiff_t, 2> servers(const Node& node) {
        const auto count = [&](const char* kind) {
            const auto text = status(node, kind);
            const auto lines = split(text, '\n');
            return std::ranges::count_if(lines, [](std::string_view line) { return line.find(" at ssl:") != std::string_view::npos; });
        };
        return {count("nb"), count("sb")};
    }
    [[nodiscard]] static Node& leader(const Nodes& nodes) {
        for (Node* node : nodes)
            if (status(*node).find("\nRole: leader") != std::string::npos) return *node;
        ADD_FAILURE() << "nobody leads";
        return *nodes[0];
    }
    [[nodiscard]] static std::string processes(const Node& node) { return said(node, {"systemctl", "show", "--property=MainPID", "--value", "ovn-ovsdb-server-nb", "ovn-ovsdb-server-sb", "ovn-northd", "ovn-controller", "ovs-vswitchd"}); }

    // ---- Guests ----

    // One on each of two nodes, on one logical switch: a network namespace with the guest's interface.
    static void give_guests(const Node& one, const Node& other) {
        nbctl(one, R"(ls-add guests -- lsp-add guests g1 -- lsp-set-addresses g1 "02:00:00:00:00:01 192.168.5.1" -- lsp-add guests g2 -- lsp-set-addresses g2 "02:00:00:00:00:02 192.168.5.2")");
        plug_in_guest(one, 1);
        plug_in_guest(other, 2);
    }
    static void plug_in_guest(const Node& node, int number) {
        said(node, {"sh", "-ec", fmt::format("ovs-vsctl --may-exist add-port br-int g{0} -- set Interface g{0} type=internal external_ids:iface-id=g{0}\n"
                                             "ip netns add guest; ip link set g{0} netns guest; ip -n guest link set g{0} address 02:00:00:00:00:0{0} mtu 1422 up; ip -n guest address add 192.168.5.{0}/24 dev g{0}",
                                             number)});
    }
    // By the guest on one node to that on the other: an echo, then some MiB by TCP.
    [[nodiscard]] static std::string reach(const Node& from, const Node& to, std::chrono::seconds longest = 30s) {
        said(to, {"systemd-run", "--quiet", "--collect", "--unit=guest", "ip", "netns", "exec", "guest", "timeout", "60", "python3", "-c",
                  "import socket\ns = socket.create_server(('192.168.5.2', 80))\nwhile True:\n    c, _ = s.accept()\n    while c.recv(65536): pass\n    c.sendall(b'all'); c.close()"});
        const auto outcome = from.run({"ip", "netns", "exec", "guest", "python3", "-c",
                                       fmt::format("import runpy, socket\nassert runpy.run_path('/usr/lib/ashlar/check/ovn')['echo']('192.168.5.2', {}), 'no echo'\n"
                                                   "s = socket.create_connection(('192.168.5.2', 80), 10); s.settimeout(30)\ns.sendall(bytes(1 << 22)); s.shutdown(socket.SHUT_WR)\nassert s.recv(9) == b'all'",
                                                   longest.count())});
        said(to, {"systemctl", "stop", "guest"});
        return outcome.ok() ? "" : outcome.output + outcome.errors;
    }

    // ---- Who may speak with it ----

    // What a client sees that shows this: "plain", no certificate, or one in a file. Each of the ports speaks JSON-RPC.
    [[nodiscard]] static std::string talk(const Node& from, const std::string& to, int port, const std::string& with) {
        return said(from, {"python3", "-c", R"(
import socket, ssl, sys
host, port, shown = sys.argv[1:]
try:
    s = socket.create_connection((host, int(port)), 5)
    s.settimeout(5)
    if shown != 'plain':
        c = ssl.create_default_context(cafile='/run/ovn/central-authority.pem')
        if shown != 'none': c.load_cert_chain(shown)
        s = c.wrap_socket(s, server_hostname='ovn-central.ashlar')
    s.sendall(b'{"id":1,"method":"echo","params":[]}')
    print('served' if b'{' in s.recv(999) else 'refused')
except OSError:
    print('refused')
)", to, std::to_string(port), with});
    }
    [[nodiscard]] static std::string serial_at(const Node& from, const std::string& to, int port) {
        return said(from, {"python3", "-c", R"(
import socket, ssl, sys
c = ssl.create_default_context(cafile='/run/ovn/central-authority.pem')
c.load_cert_chain('/run/ovn/central.pem')
print(c.wrap_socket(socket.create_connection((sys.argv[1], int(sys.argv[2])), 5), server_hostname='ovn-central.ashlar').getpeercert()['serialNumber'])
)", to, std::to_string(port)});
    }

    // ---- Writers ----

    // A number each 200 ms, and how many milliseconds it took until the northbound database had it.
    static void write_all_the_time(const Node& node) {
        said(node, {"systemd-run", "--quiet", "--unit", "writer", "--collect", "sh", "-c",
                    "i=0; while [ ! -e /run/enough ]; do i=$((i+1)); begin=$(date +%s%3N); until ovn-nbctl --db=$(cat /run/ovn/northbound) --private-key=/run/ovn/central.pem --certificate=/run/ovn/central.pem "
                    "--ca-cert=/run/ovn/central-authority.pem --timeout=5 -- --id=@one create Address_Set name=n$i >/dev/null 2>>/run/trouble || ovn-nbctl --db=unix:/run/ovn/ovnnb_db.sock --no-leader-only --timeout=5 --bare --columns=name find Address_Set name=n$i | grep -q .; do :; done; "
                    "echo $(($(date +%s%3N)-begin)) >>/run/took; sleep 0.2; done; echo $i >/run/written"});
    }
    // How many were written, each of which `other` has; says what the longest took.
    static void expect_all_written(const Node& node, const Node& other, const char* what) {
        said(node, {"touch", "/run/enough"});
        ASSERT_TRUE(wait_until(patience, [&] { return node.run({"cat", "/run/written"}).ok(); }));
        const int count = std::stoi(said(node, {"cat", "/run/written"})), longest = std::stoi(said(node, {"sh", "-c", "sort -n /run/took | tail -1"}));
        fmt::print("{}: {} writes, the longest took {} ms\n", what, count, longest);
        EXPECT_GT(count, 5);
        std::set<std::string> kept;
        const auto text = nbctl(other, "--bare --columns=name list Address_Set");
        for (const auto line : split(text, '\n'))
            if (!line.empty()) kept.emplace(line);
        for (int i = 1; i <= count; ++i) EXPECT_TRUE(kept.contains(fmt::format("n{}", i))) << i << " was acknowledged";
        EXPECT_LT(longest, 30'000);
    }
};

// The core of it. What the check makes is gone afterwards.
TEST_F(Ovn, GuestsOnDifferentNodesReachEachOtherAndStrangersReachNothing) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    for (const Node* node : nodes) {
        EXPECT_EQ(servers(*node), (std::array<std::ptrdiff_t, 2>{3, 3}));
        EXPECT_EQ(said(*node, {"cat", "/etc/openvswitch/system-id.conf"}), id(*node));
    }
    EXPECT_THAT(chassis(*nodes[0]), testing::AllOf(HasSubstr("berlin-n1"), HasSubstr("berlin-n2"), HasSubstr("berlin-n3")));
    give_guests(*nodes[0], *nodes[1]);
    EXPECT_EQ(reach(*nodes[0], *nodes[1]), "");

    const std::string before = nbctl(*nodes[0], "ls-list");
    EXPECT_THAT(said(*nodes[2], {"/usr/lib/ashlar/check/ovn"}), testing::AllOf(HasSubstr("ok  berlin-n1: "), HasSubstr("ok  berlin-n2: ")));
    EXPECT_EQ(nbctl(*nodes[0], "ls-list"), before);
    EXPECT_EQ(nbctl(*nodes[0], "lr-list"), "");
    EXPECT_EQ(said(*nodes[2], {"ovs-vsctl", "--bare", "--columns=name", "find", "Interface", "external_ids:ashlar-check!=none"}), "");
    // It can fail.
    said(*nodes[1], {"ip", "link", "set", "tun0", "down"});
    const auto failed = nodes[2]->run({"/usr/lib/ashlar/check/ovn", "berlin-n2"});
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_THAT(failed.output, HasSubstr("failed  berlin-n2: no echo comes back"));
    said(*nodes[1], {"ip", "link", "set", "tun0", "up"});

    give_foreign_certificate(*nodes[1], "ovn-central");
    for (const int port : ports) {
        EXPECT_EQ(talk(*nodes[1], address(*nodes[0]), port, "/run/ovn/central.pem"), "served") << port;
        for (const char* shown : {"plain", "none", "/run/foreign.pem"}) EXPECT_EQ(talk(*nodes[1], address(*nodes[0]), port, shown), "refused") << port << ", " << shown;
    }
}

// ---- In ring long ----

TEST_F(Ovn, APowerCutOfOneLosesNothingAndItComesBack) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    Node& cut = leader(nodes);
    Nodes others;
    for (Node* node : nodes)
        if (node != &cut) others.push_back(node);
    give_guests(*others[0], *others[1]);
    ASSERT_EQ(reach(*others[0], *others[1]), "");
    write_all_the_time(*others[0]);
    std::this_thread::sleep_for(3s);
    cut.cut_power();
    EXPECT_EQ(reach(*others[0], *others[1]), "") << "guests of the others do not notice";
    ASSERT_TRUE(wait_until(patience, [&] { return std::ranges::any_of(others, [](const Node* node) { return status(*node).find("\nRole: leader") != std::string::npos; }); }));
    std::this_thread::sleep_for(3s);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form({&cut}, "the one without power"));
    ASSERT_TRUE(are_formed(nodes)) << what_they_say(nodes);
    expect_all_written(*others[0], cut, "with the leader's power cut");
    EXPECT_EQ(servers(cut), (std::array<std::ptrdiff_t, 2>{3, 3}));
    EXPECT_EQ(cut.run({"/usr/lib/ashlar/check/ovn"}).exit_code, 0);
}

TEST_F(Ovn, APowerCutAndAnOrderlyStopOfAllAreHealedByThemselves) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    nbctl(*nodes[0], "ls-add kept");
    cut_power(nodes);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "after a power cut of all"));
    EXPECT_THAT(nbctl(*nodes[1], "ls-list"), HasSubstr("(kept)"));
    EXPECT_EQ(nodes[1]->run({"/usr/lib/ashlar/check/ovn"}).exit_code, 0);

    nbctl(*nodes[0], "ls-add kept-too");
    shut_down(nodes);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "after an orderly stop of all"));
    EXPECT_THAT(nbctl(*nodes[2], "ls-list"), HasSubstr("(kept-too)"));
    EXPECT_EQ(nodes[2]->run({"/usr/lib/ashlar/check/ovn"}).exit_code, 0);
    EXPECT_EQ(servers(*nodes[0]), (std::array<std::ptrdiff_t, 2>{3, 3}));
}

// Another machine under the name and address of one: the servers and the chassis that were are gone.
TEST_F(Ovn, AReflashedNodeIsAnotherMemberAndAnotherChassis) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    Node& again = *nodes[1];
    const std::string before = id(again);
    again.cut_power();
    again.reflash();
    again.power_on();
    ASSERT_TRUE(wait_until(patience, [&] { return site_of(again).contains("code"); })) << what_they_say(nodes);
    said(*nodes[0], {"ashlarctl", "node", "approve", "berlin-n2"});
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    ASSERT_TRUE(are_formed(nodes)) << what_they_say(nodes);
    EXPECT_NE(id(again), before);
    EXPECT_EQ(servers(*nodes[0]), (std::array<std::ptrdiff_t, 2>{3, 3}));
    for (const char* table : {"Chassis", "Chassis_Private"}) EXPECT_THAT(said(*nodes[0], {"ovn-sbctl", "--db=unix:/run/ovn/ovnsb_db.sock", "--no-leader-only", "--bare", "--columns=name", "list", table}), Not(HasSubstr(before))) << table;
    EXPECT_EQ(again.run({"/usr/lib/ashlar/check/ovn"}).exit_code, 0);
}

// Its state is there and its /var is not: it is replaced under its own id. And one that was kicked by hand heals in the same way.
TEST_F(Ovn, ANodeWithoutItsDataIsReplaced) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    Node& poor = *nodes[2];
    const std::string node = id(poor);
    nbctl(*nodes[0], "ls-add kept");
    poor.cut_power();
    poor.lose_var();
    ASSERT_NO_FATAL_FAILURE(power_on_and_form({&poor}, "the one without data"));
    EXPECT_EQ(id(poor), node);
    EXPECT_EQ(servers(poor), (std::array<std::ptrdiff_t, 2>{3, 3}));
    EXPECT_THAT(nbctl(poor, "ls-list"), HasSubstr("(kept)"));

    said(*nodes[0], {"sh", "-c", "ovn-appctl -t /run/ovn/ovnsb_db.ctl cluster/kick OVN_Southbound ssl:" + address(poor) + ":6644"});
    ASSERT_TRUE(wait_until(patience, [&] { return servers(*nodes[0])[1] == 2; }));
    ASSERT_TRUE(wait_until(forming, [&] { return servers(*nodes[0]) == std::array<std::ptrdiff_t, 2>{3, 3} && is_formed(poor); })) << what_they_say(nodes);
    EXPECT_EQ(poor.run({"/usr/lib/ashlar/check/ovn"}).exit_code, 0);
}

TEST_F(Ovn, ARemovedNodeIsKickedAndItsChassisGoes) {
    auto four = sketch();
    four.others = 1;
    const Nodes nodes = nodes_of(four), stay(nodes.begin(), nodes.begin() + 3);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "four nodes"));
    EXPECT_EQ(servers(*nodes[0]), (std::array<std::ptrdiff_t, 2>{4, 4}));
    nodes[3]->cut_power();
    said(*nodes[0], {"ashlarctl", "node", "remove", "berlin-n4"});
    EXPECT_TRUE(wait_until(forming, [&] { return servers(*nodes[0]) == std::array<std::ptrdiff_t, 2>{3, 3} && chassis(*nodes[0]).find("berlin-n4") == std::string::npos; })) << status(*nodes[0]) << chassis(*nodes[0]) << what_they_say(stay);
    EXPECT_THAT(nbctl(*nodes[0], "get NB_Global . external_ids"), Not(HasSubstr(address(*nodes[3]))));
    ASSERT_TRUE(are_formed(stay)) << what_they_say(stay);
}

// Nothing is started again, and nobody waits.
TEST_F(Ovn, CertificatesAreRenewedWithoutAnOutage) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    give_guests(*nodes[0], *nodes[1]);
    std::vector<std::string> before, running;
    for (const Node* node : nodes) {
        before.push_back(serial_at(*nodes[0], address(*node), 6641) + serial_at(*nodes[0], address(*node), 6644));
        running.push_back(processes(*node));
    }
    write_all_the_time(*nodes[0]);
    for (const Node* node : nodes) said(*node, {"sh", "-c", "rm /var/lib/ashlar/certificates/ovn-central.json /var/lib/ashlar/certificates/ovn-controller.json; systemctl restart --no-block ashlard"});
    for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_TRUE(wait_until(patience, [&] { return serial_at(*nodes[0], address(*nodes[i]), 6641) + serial_at(*nodes[0], address(*nodes[i]), 6644) != before[i]; })) << i;
    EXPECT_EQ(reach(*nodes[0], *nodes[1]), "");
    // Who connects anew shows the new one.
    for (const Node* node : nodes) {
        said(*node, {"ss", "-K", "-tn", "dport = 6641 or dport = 6642"});
        EXPECT_TRUE(wait_until(patience, [&] { return node->run({"ovn-appctl", "-t", "ovn-controller", "connection-status"}).output == "connected\n" && node->run({"ovn-appctl", "-t", "ovn-northd", "sb-connection-status"}).output == "connected\n"; })) << node->name();
    }
    expect_all_written(*nodes[0], *nodes[2], "with new certificates");
    for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_EQ(processes(*nodes[i]), running[i]) << "nothing was started again";
    EXPECT_EQ(nodes[2]->run({"/usr/lib/ashlar/check/ovn"}).exit_code, 0);
}

TEST_F(Ovn, WithIpv6Alone) {
    auto six = sketch();
    six.network = "fd77::";
    const Nodes nodes = voters_of(six);
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes with IPv6"));
    give_guests(*nodes[0], *nodes[1]);
    EXPECT_EQ(reach(*nodes[0], *nodes[1]), "");
    EXPECT_THAT(said(*nodes[2], {"/usr/lib/ashlar/check/ovn"}), testing::AllOf(HasSubstr("ok  berlin-n1: "), HasSubstr("ok  berlin-n2: ")));
}

// Two that have one address once kept a core of each busy, and the log.
TEST_F(Ovn, AtRestItNeedsNextToNothing) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes, "three nodes"));
    for (const Node* node : nodes) {
        const auto ticks = [&] { return std::stod(said(*node, {"sh", "-c", "for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline 2>/dev/null) in /usr/*ov[ns]*) cut -d' ' -f14,15 $p/stat;; esac; done | awk '{ s += $1 + $2 } END { print s / 100 }'"})); };
        const double at_first = ticks();
        std::this_thread::sleep_for(10s);
        const double share = (ticks() - at_first) / 10;
        const auto memory = said(*node, {"sh", "-c", "for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline 2>/dev/null) in /usr/*ov[ns]*) sed -n 's/^Pss: *\\([0-9]*\\).*/\\1/p' $p/smaps_rollup;; esac; done | awk '{ s += $1 } END { print s / 1024 }'"});
        fmt::print("{}: {:.1f} % of a core, {} MiB (PSS)\n", node->name(), 100 * share, memory);
        EXPECT_LT(share, 0.1);
    }
}

} // namespace
} // namespace ashlar::virtual_site

// The site's own addresses: docs/services/vip.md. What is served there is a service of this test's, which has a part of haproxy as real ones have.

#include "site_test.hpp"
#include "stranger.hpp"

#include <base/process.hpp>

#include <algorithm>
#include <fstream>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

constexpr const char* greeter = R"toml(
summary = "Says which node it is: to nodes at port 8081, to everyone by TLS at port 8443"
roles = ["control"]
healthy = "observation.up"

[[port]]
number = 8081
summary = "for nodes"

[[port]]
number = 8443
summary = "for everyone"
open_to = "everyone"

[observe]
run = ["/bin/echo", "{\"up\": true}"]
prints = { up = "boolean" }

[lists.inner]
of = "site.vips"
item = "    bind ${item}:8081 transparent"
join = "\n"

[lists.public]
of = "site.vips"
item = "    bind ${item}:8443 transparent ssl crt /run/ashlar-haproxy/certificates"
join = "\n"

[[render]]
path = "/run/ashlar/haproxy/greeter.cfg"
owner = "root:root"
mode = "0644"
text = """
frontend greeter
    mode http
${lists.inner}
${lists.public}
    http-request return status 200 content-type text/plain string ${node.name}
"""
)toml";

// The site has no more than this: other services of control nodes are not what is looked at.
constexpr const char* without = R"toml(
[services]
ceph = false
ceph-mgr = false
ceph-mon = false
ceph-rgw = false
galera = false
memcached = false
ovn-central = false
ovn-northd = false
rabbitmq = false
)toml";

class Vip : public SiteTest {
protected:
    [[nodiscard]] Sketch sketch() const {
        std::string quoted;
        for (const auto& vip : vips_) quoted += fmt::format("{}\"{}\"", quoted.empty() ? "" : ", ", vip);
        return {.name = "berlin", .more = fmt::format("{}\n[vip]\naddresses = [{}]\n", without, quoted), .roles = "\"control\""};
    }
    // Over the definitions of the image, what the daemon reads when it starts.
    static void bring_greeter(const Nodes& nodes) {
        for (const Node* node : nodes) {
            said(*node, {"sh", "-c", fmt::format("cp -r /usr/lib/ashlar/formations /run/formations; cat >/run/formations/greeter.toml <<'END'{}END\nmount --bind /run/formations /usr/lib/ashlar/formations", greeter)});
            said(*node, {"systemctl", "restart", "ashlard.service"});
        }
    }
    [[nodiscard]] bool are_served(const Nodes& nodes) const {
        return wait_until(patience, [&] {
            return std::ranges::all_of(nodes, [&](const Node* node) {
                const auto states = formations_of(*node);
                return std::ranges::all_of(std::initializer_list<const char*>{"greeter", "haproxy", "keepalived", "firewall"}, [&](const char* name) { return states.contains(name) && states.at(name) == "settled"; }) && !answer(*node).empty();
            });
        });
    }
    void power_on_and_serve(const Nodes& nodes) {
        power_on(nodes);
        ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
        bring_greeter(nodes);
        ASSERT_TRUE(are_served(nodes)) << what_they_say(nodes);
    }
    [[nodiscard]] static std::string in_brackets(const std::string& address) { return address.find(':') == std::string::npos ? address : "[" + address + "]"; }
    // The node that answers at the site's address, as a node hears it; nobody: "".
    [[nodiscard]] std::string answer(const Node& node, std::size_t vip = 0) const {
        const auto outcome = node.run({"curl", "--silent", "--fail", "--max-time", "1", fmt::format("http://{}:8081/", in_brackets(vips_.at(vip)))});
        return outcome.ok() ? outcome.output : "";
    }
    [[nodiscard]] Nodes holders(const Nodes& nodes, std::size_t vip = 0) const {
        Nodes holders;
        for (Node* node : nodes)
            if (!said(*node, {"ip", "-oneline", "address", "show", "to", vips_.at(vip)}).empty()) holders.push_back(node);
        return holders;
    }
    // Does it, until another than `before` answers; says how long that took.
    template <typename Deed> [[nodiscard]] bool passes_on(const Node& client, const std::string& before, const char* what, Deed deed) const {
        const auto began = std::chrono::steady_clock::now();
        deed();
        const auto done = std::chrono::steady_clock::now();
        std::string now;
        const bool passed = wait_until(patience, [&] { return !(now = answer(client)).empty() && now != before; });
        std::string load;
        std::ifstream("/proc/loadavg") >> load;
        const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
        fmt::print("{}: {} answers in the place of {} after {:.1f} s, of which that itself took {:.1f} s; load {}\n", what, now, before, seconds(std::chrono::steady_clock::now() - began), seconds(done - began), load);
        return passed;
    }
    [[nodiscard]] static bool connects(const std::string& address, unsigned port) { return run({.argv = {"timeout", "2", "bash", "-c", fmt::format("exec 3<>/dev/tcp/{}/{}", address, port)}}).ok(); }
    // Whose certificate haproxy shows to who asks at the site's address.
    [[nodiscard]] std::string serial_shown(const Node& node) const {
        return said(node, {"sh", "-c", fmt::format("openssl s_client -connect {}:8443 </dev/null 2>/dev/null | openssl x509 -noout -serial -subject", in_brackets(vips_[0]))});
    }

    std::vector<std::string> vips_{"10.77.0.100"};
};

// The core of it.
TEST_F(Vip, AnotherNodeAnswersWhenItsHolderLosesPower) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_serve(nodes));
    ASSERT_EQ(holders(nodes).size(), 1u);
    Node& holder = *holders(nodes)[0];
    const std::string name = answer(holder);
    for (const Node* node : nodes) {
        EXPECT_EQ(answer(*node), name);
        const auto check = node->run({"/usr/lib/ashlar/check/haproxy", vips_[0]});
        EXPECT_TRUE(check.ok()) << check.errors;
    }

    // Who is none of the nodes reaches what is for everyone.
    const Stranger stranger;
    EXPECT_TRUE(connects(vips_[0], 8443));
    for (const unsigned port : {8081U, 9100U}) EXPECT_FALSE(connects(vips_[0], port)) << port;
    for (const unsigned port : {8081U, 9100U}) EXPECT_FALSE(connects(address(holder), port)) << port;
    EXPECT_THAT(said(holder, {"sh", "-c", fmt::format("openssl s_client -connect {0}:8443 -CAfile /run/ashlar-haproxy/authority.pem -verify_ip {0} </dev/null 2>&1 | grep 'Verify return code'", vips_[0])}), HasSubstr("0 (ok)"));
    EXPECT_THAT(said(holder, {"/usr/lib/ashlar/metrics/haproxy"}), HasSubstr("haproxy_process_current_connections"));
    EXPECT_THAT(said(holder, {"/usr/lib/ashlar/metrics/keepalived"}), HasSubstr(fmt::format("ashlar_vip_held{{address=\"{}\"}} 1", vips_[0])));

    Nodes others;
    for (Node* node : nodes)
        if (node != &holder) others.push_back(node);
    ASSERT_TRUE(passes_on(*others[0], name, "power cut", [&] { holder.cut_power(); })) << what_they_say(others);
    EXPECT_EQ(holders(others).size(), 1u);
    const std::string next = answer(*others[0]);

    // One that comes back takes nothing away.
    holder.power_on();
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    bring_greeter({&holder});
    ASSERT_TRUE(are_served({&holder})) << what_they_say(nodes);
    EXPECT_TRUE(stays(5s, [&] { return answer(holder) == next; }));
    EXPECT_EQ(holders(nodes).size(), 1u);
}

// ---- In ring long ----

TEST_F(Vip, ANodeThatDoesNotServeGivesItAway) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_serve(nodes));
    Node& holder = *holders(nodes).at(0);
    const std::string name = answer(holder);
    const Node& client = *nodes[holder.name() == nodes[0]->name() ? 1 : 0];
    EXPECT_TRUE(passes_on(client, name, "haproxy hangs", [&] { said(holder, {"sh", "-c", "kill -STOP $(pgrep -x haproxy)"}); }));
    said(holder, {"sh", "-c", "kill -CONT $(pgrep -x haproxy)"});
    EXPECT_TRUE(wait_until(patience, [&] { return holders(nodes).size() == 1; }));

    // An orderly stop does not wait for the others to miss it.
    Node& second = *holders(nodes).at(0);
    const std::string next = answer(second);
    EXPECT_TRUE(passes_on(second.name() == nodes[0]->name() ? *nodes[1] : *nodes[0], next, "orderly stop", [&] { second.shut_down(); }));
}

TEST_F(Vip, APartThatIsWrongHarmsNoOther) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_serve(nodes));
    const Node& node = *nodes[0];
    said(node, {"sh", "-c", "printf 'frontend broken\\n    oops\\n' >/run/ashlar/haproxy/broken.cfg"});
    EXPECT_TRUE(wait_until(patience, [&] { return said(node, {"cat", "/run/ashlar-haproxy/refused"}) == "broken"; }));
    EXPECT_NE(formations_of(node).at("haproxy"), "settled");
    EXPECT_THAT(said(node, {"journalctl", "--unit=haproxy", "--output=cat"}), HasSubstr("leaves out the part of 'broken': config : parsing"));
    EXPECT_FALSE(answer(node).empty());
    said(node, {"systemctl", "restart", "haproxy.service"});
    EXPECT_TRUE(wait_until(patience, [&] { return !answer(node).empty(); })) << "also when it starts";
    said(node, {"rm", "/run/ashlar/haproxy/broken.cfg"});
    EXPECT_TRUE(are_served(nodes)) << what_they_say(nodes);
}

// Somebody asks ten times a second all the while.
TEST_F(Vip, CertificatesAreRenewedAndGivenWithoutAnOutage) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_serve(nodes));
    const Node& node = *nodes[0];
    const std::string before = serial_shown(node);
    EXPECT_THAT(before, HasSubstr("CN=haproxy"));
    said(node, {"systemd-run", "--quiet", "--unit=asker", "--collect", "sh", "-c",
                fmt::format("while [ ! -e /run/enough ]; do curl --silent --fail --insecure --max-time 2 --output /dev/null https://{}:8443/ && echo yes >>/run/asked || date +%T.%N >>/run/failed; sleep 0.1; done", vips_[0])});
    for (const Node* each : nodes) said(*each, {"sh", "-c", "rm /var/lib/ashlar/certificates/haproxy.json; systemctl restart --no-block ashlard"});
    EXPECT_TRUE(wait_until(patience, [&] { return serial_shown(node) != before; }));

    said(node, {"sh", "-ec", "cd /run; openssl req -x509 -newkey rsa:2048 -nodes -days 9 -keyout public.key -out public.crt -subj /CN=cloud.example.org -addext subjectAltName=DNS:cloud.example.org 2>/dev/null; umask 077; cat public.key public.crt >public.pem"});
    said(node, {"ashlarctl", "formation", "give", "haproxy", "public", "/run/public.pem"});
    EXPECT_TRUE(wait_until(patience, [&] { return serial_shown(node).find("CN=cloud.example.org") != std::string::npos; })) << serial_shown(node);
    said(node, {"touch", "/run/enough"});
    EXPECT_FALSE(said(node, {"cat", "/run/asked"}).empty());
    EXPECT_EQ(node.run({"cat", "/run/failed"}).output, "");
}

TEST_F(Vip, WithIpv6Alone) {
    vips_ = {"fd77::100"};
    auto six = sketch();
    six.network = "fd77::";
    const Nodes nodes = voters_of(six);
    ASSERT_NO_FATAL_FAILURE(power_on_and_serve(nodes));
    ASSERT_EQ(holders(nodes).size(), 1u);
    Node& holder = *holders(nodes)[0];
    const std::string name = answer(holder);
    EXPECT_TRUE(passes_on(holder.name() == nodes[0]->name() ? *nodes[1] : *nodes[0], name, "power cut, IPv6", [&] { holder.cut_power(); }));
}

} // namespace
} // namespace ashlar::virtual_site

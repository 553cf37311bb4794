// Formations on the nodes of a whole site.

#include "site_test.hpp"

#include <base/text.hpp>

#include <algorithm>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

// Small, and with all that costs time between nodes: made by one, joined by the others in turn, and with a secret whose file a unit reads.
// Its data are the times at which its step began and ended.
constexpr const char* relay = R"toml(
summary = "Passes a baton on"
roles = ["base"]
units = ["relay.service"]
present = "observation.data"
healthy = "observation.data and units.active"

[observe]
run = ["/bin/sh", "-c", "test -e /var/lib/relay/end && echo '{\"data\": true}' || echo '{\"data\": false}'"]
timeout = "10 s"
prints = { data = "boolean" }

[secrets.baton]
size = 32

[[render]]
path = "/run/relay/baton"
owner = "root:root"
mode = "0600"
text = "${secrets.baton}\n"
restart = ["relay.service"]

[[step]]
id = "begin"
kind = "once"
summary = "takes the baton"
when = "not observation.data and not formation.formed"
run = ["/bin/sh", "-c", "mkdir -p /var/lib/relay; cd /var/lib/relay; date +%s.%N >begin; date +%s.%N >.end; mv .end end"]
timeout = "30 s"
verify = "observation.data"

[[step]]
id = "join"
kind = "serial"
summary = "takes the baton from another"
when = "formation.formed and not observation.data"
run = ["/bin/sh", "-c", "mkdir -p /var/lib/relay; cd /var/lib/relay; date +%s.%N >begin; date +%s.%N >.end; mv .end end"]
timeout = "30 s"
verify = "observation.data"

[[step]]
id = "start"
kind = "local"
summary = "runs"
when = "observation.data and not units.active"
start = ["relay.service"]
timeout = "30 s"
verify = "units.active"
)toml";

class Forming : public SiteTest {
protected:
    // Over the definitions of the image, what the daemon reads when it starts.
    static void bring_relay(const Node& node) {
        said(node, {"sh", "-c", "cp -r /usr/lib/ashlar/formations /run/formations; printf '[Service]\\nExecStart=/bin/sh -c \"cp /run/relay/baton /run/relay/read; exec sleep infinity\"\\n' >/run/systemd/system/relay.service; systemctl daemon-reload; mount --bind /run/formations /usr/lib/ashlar/formations"});
        said(node, {"sh", "-c", fmt::format("cat >/run/formations/relay.toml <<'END'{}END", relay)});
    }
    // Whatever the image brings has settled, and then this as well.
    void bring_relay(const Nodes& nodes) {
        power_on(nodes);
        ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
        ASSERT_TRUE(are_settled(nodes)) << what_they_say(nodes);
        for (const Node* node : nodes) bring_relay(*node);
        for (const Node* node : nodes) said(*node, {"systemctl", "restart", "--no-block", "ashlard"});
        ASSERT_TRUE(wait_until(patience, [&] { return std::ranges::all_of(nodes, [](const Node* node) { return formations_of(*node).contains("relay"); }); })) << what_they_say(nodes);
        ASSERT_TRUE(are_settled(nodes)) << what_they_say(nodes);
    }
    static double time_at(const Node& node, const char* what) { return std::stod(said(node, {"cat", fmt::format("/var/lib/relay/{}", what)})); }
    static std::string baton(const Node& node) { return said(node, {"cat", "/run/relay/baton"}); }
    // That its unit has.
    static std::string read_baton(const Node& node) { return std::string(trim(node.run({"cat", "/run/relay/read"}).output)); }

    // chronyc(1), the report "tracking".
    struct Tracking {
        std::string source;
        unsigned stratum = 0;
        std::string leap;
    };
    static Tracking tracking(const Node& node) {
        const auto outcome = node.run({"chronyc", "-n", "-c", "tracking"});
        const auto fields = split(trim(outcome.output), ',');
        if (fields.size() < 14) return {};
        return {std::string(fields[1]), static_cast<unsigned>(std::stoul(std::string(fields[2]))), std::string(fields[13])};
    }
};

TEST_F(Forming, AllFormationsOfTheImageSettle) {
    const Nodes nodes = nodes_of({.name = "berlin", .others = 1});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_TRUE(are_settled(nodes)) << what_they_say(nodes);
    EXPECT_THAT(formations_of(*nodes[0]), testing::AllOf(testing::Contains(testing::Pair("etcd", "settled")), testing::Contains(testing::Pair("chrony", "settled"))));
    EXPECT_THAT(formations_of(*nodes[3]), testing::Contains(testing::Pair("etcd", "absent")));
    for (const Node* node : nodes) {
        EXPECT_THAT(said(*node, {"find", "/etc/chrony", "-name", "ashlar.*"}), testing::AllOf(testing::HasSubstr("conf.d/ashlar.conf"), testing::HasSubstr("sources.d/ashlar.sources")));
        EXPECT_THAT(node->run({"ashlarctl", "drift"}).output, testing::Not(testing::HasSubstr("/etc/chrony"))) << "what was rendered is known";
    }
}

// By chronyd itself, which in a container only looks at the clock.
TEST_F(Forming, VotersAgreeOnOneTimeWithoutTimeServers) {
    const Nodes nodes = nodes_of({.name = "berlin", .others = 1});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    ASSERT_TRUE(are_settled(nodes)) << what_they_say(nodes);
    for (const Node* node : nodes)
        said(*node, {"sh", "-c", "printf 'confdir /etc/chrony/conf.d\nsourcedir /etc/chrony/sources.d\n' >/run/orphan.conf; systemd-run --quiet --unit=orphan chronyd -x -n -u root -f /run/orphan.conf"});
    // One voter by its own clock, and all by that one.
    const auto agree = [&] {
        std::set<std::string> leaders;
        unsigned leading = 0;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            const Tracking one = tracking(*nodes[i]);
            if (one.leap != "Normal") return false;
            if (one.stratum == 10 && i < 3) {
                ++leading;
                leaders.insert(address(*nodes[i]));
            } else if (one.stratum == 11) leaders.insert(one.source);
            else return false;
        }
        return leading == 1 && leaders.size() == 1;
    };
    EXPECT_TRUE(wait_until(patience, agree)) << [&] {
        std::string text;
        for (const Node* node : nodes) text += node->run({"sh", "-c", "chronyc -n tracking; chronyc -n sources; journalctl --no-pager -u orphan; cat /etc/chrony/*.d/ashlar.*"}).output;
        return text;
    }();
}

// Random, in memory, for its owner; and nowhere else.
TEST_F(Forming, ASecretIsAnotherOneOnEveryNodeAfterItsRotation) {
    const Nodes nodes = nodes_of({.name = "berlin", .others = 1});
    ASSERT_NO_FATAL_FAILURE(bring_relay(nodes));
    const std::string before = baton(*nodes[0]);
    EXPECT_EQ(before.size(), 64U);
    for (const Node* node : nodes) {
        EXPECT_EQ(baton(*node), before);
        EXPECT_EQ(read_baton(*node), before);
        EXPECT_EQ(said(*node, {"stat", "--format=%a %U:%G", "/run/relay/baton"}), "600 root:root");
        EXPECT_EQ(said(*node, {"stat", "--file-system", "--format=%T", "/run/relay/baton"}), "tmpfs");
        said(*node, {"cp", "/run/relay/baton", "/run/old"});
    }
    said(*nodes[1], {"ashlarctl", "formation", "rotate", "relay", "baton"});
    ASSERT_TRUE(wait_until(patience, [&] { return std::ranges::all_of(nodes, [&](const Node* node) { return baton(*node) != before && read_baton(*node) == baton(*node); }); })) << what_they_say(nodes);
    for (const Node* node : nodes) {
        EXPECT_EQ(baton(*node), baton(*nodes[0]));
        EXPECT_EQ(said(*node, {"stat", "--format=%a %U:%G", "/run/relay/baton"}), "600 root:root");
        for (const std::string secret : {"/run/old", "/run/relay/baton"}) {
            EXPECT_FALSE(node->run({"sh", "-c", "journalctl --no-pager --output=json | grep -F -f " + secret}).ok()) << "in the log";
            EXPECT_FALSE(node->run({"sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -F -f " + secret}).ok()) << "as an argument";
            EXPECT_EQ(node->run({"grep", "-r", "-l", "-s", "-F", "-f", secret, "/var", "/etc"}).output, "") << "on a disk";
            EXPECT_FALSE(node->run({"sh", "-c", "ashlarctl status --json | grep -F -f " + secret}).ok());
        }
    }
    EXPECT_TRUE(are_settled(nodes)) << what_they_say(nodes);
}

// How long a hand-over takes is told, and not judged: the machine may be busy.
TEST_F(Forming, ABatonIsPassedOnThroughTheSite) {
    const Nodes nodes = nodes_of({.name = "berlin", .others = 1});
    ASSERT_NO_FATAL_FAILURE(bring_relay(nodes));
    std::vector<std::pair<double, double>> turns;
    for (const Node* node : nodes) turns.emplace_back(time_at(*node, "begin"), time_at(*node, "end"));
    std::ranges::sort(turns);
    for (std::size_t i = 1; i < turns.size(); ++i) {
        fmt::print("the {}. hand-over took {:.2f} s\n", i, turns[i].first - turns[i - 1].second);
        EXPECT_GE(turns[i].first, turns[i - 1].second) << "one node's turn at a time";
    }
}

} // namespace
} // namespace ashlar::virtual_site

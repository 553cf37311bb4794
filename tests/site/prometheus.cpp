// Who watches a site: managers see all nodes, by TLS, and say when a person should look. docs/services/prometheus.md.

#include "service_test.hpp"

#include <base/file.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

constexpr auto scrapes = 120s; // of a busy machine: until all have been asked, and asked again
constexpr std::array own{"prometheus", "prometheus-node-exporter"};

class Prometheus : public ServiceTest {
protected:
    Prometheus() : ServiceTest({own.begin(), own.end()}, patience) {}

    [[nodiscard]] static Sketch sketch() { return {.name = "berlin", .roles = R"("manager")"}; }

    void power_on_and_form(const Nodes& nodes) {
        power_on(nodes);
        ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
        ASSERT_TRUE(are_formed(nodes)) << what_they_say(nodes);
    }

    // What the node's own Prometheus answers, a line for each series.
    [[nodiscard]] std::string asked(const Node& node, const std::string& query) const {
        return node.run({"promtool", "query", "instant", "--http.config.file=/run/ashlar-prometheus/client.yml", fmt::format("https://{}:9090", address(node)), query}).output;
    }
    [[nodiscard]] bool comes_to_answer(const Node& node, const std::string& query, const std::string& part) const {
        return wait_until(scrapes, [&] { return asked(node, query).find(part) != std::string::npos; });
    }

    // A page at this port, as one node gets it from another: "200" and the like; "refused" when it gets none. `with`: "plain", "none" (no certificate), or a file.
    [[nodiscard]] std::string got(const Node& from, const Node& to, int port, const std::string& with) const {
        std::string command = "curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' --cacert /run/ashlar-prometheus/authority.pem";
        if (with != "plain" && with != "none") command += " --cert " + with;
        command += fmt::format(" {}://{}:{}/metrics", with == "plain" ? "http" : "https", address(to), port);
        const auto outcome = from.run({"sh", "-c", command});
        return outcome.ok() ? outcome.output : "refused";
    }
    [[nodiscard]] std::string serial_at(const Node& from, const Node& to, int port) const {
        return said(from, {"sh", "-c", fmt::format("curl --silent --max-time 5 --output /dev/null --write-out '%{{certs}}' --cacert /run/ashlar-prometheus/authority.pem --cert /run/ashlar-prometheus/identity.pem https://{}:{}/metrics | sed -n 's/^Serial Number://p'", address(to), port)});
    }
};

TEST_F(Prometheus, SeesAllNodesByTlsAndStrangersSeeNothing) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes));
    const Node &watcher = *nodes[0], &other = *nodes[1];

    for (const Node* node : nodes) EXPECT_TRUE(comes_to_answer(*node, "count(up == 1)", "{} => 6 @")) << asked(*node, "up");
    EXPECT_TRUE(comes_to_answer(watcher, "count(ashlar_etcd_has_leader == 1)", "{} => 3 @")) << "the members tell";
    EXPECT_TRUE(comes_to_answer(watcher, R"(count(ashlar_formation_certificate_expiry_seconds{formation="prometheus"} - time() > 20 * 86400))", "{} => 3 @"));
    EXPECT_TRUE(comes_to_answer(watcher, "count(ashlar_metrics_failed == 1) or vector(0)", "{} => 0 @")) << asked(watcher, "ashlar_metrics_failed");
    const auto checks = watcher.run({"ashlarctl", "verify", "prometheus"});
    EXPECT_EQ(checks.exit_code, 0) << checks.output << checks.errors;

    give_foreign_certificate(watcher, "prometheus");
    for (const int port : {9100, 9090}) {
        EXPECT_EQ(got(watcher, other, port, "/run/ashlar-prometheus/identity.pem"), "200") << port;
        EXPECT_THAT(got(watcher, other, port, "plain"), testing::AnyOf("400", "refused")) << port;
        for (const char* shown : {"none", "/run/foreign.pem"}) EXPECT_EQ(got(watcher, other, port, shown), "refused") << port << ", " << shown;
    }

    // Rules do what they say.
    const auto rules = watcher.run({"sh", "-c", fmt::format("cat >/run/alerts.yml <<'END'\n{}END\npromtool check rules /usr/lib/ashlar/alerts/*.yml && promtool test rules /run/alerts.yml", read_file(ASHLAR_TESTS_OF_ALERTS))});
    EXPECT_EQ(rules.exit_code, 0) << rules.output << rules.errors;
}

// ---- In ring long ----

TEST_F(Prometheus, SaysThatANodeIsGoneAndThatItIsBack) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes));
    const Node& watcher = *nodes[0];
    ASSERT_TRUE(comes_to_answer(watcher, "count(up == 1)", "{} => 6 @")) << asked(watcher, "up");
    cut_power({nodes[2]});
    EXPECT_TRUE(wait_until(300s, [&] { return asked(watcher, R"(ALERTS{alertname="NodeSilent", alertstate="firing"})").find("berlin-n3") != std::string::npos; })) << asked(watcher, "ALERTS");
    EXPECT_NE(watcher.run({"/usr/lib/ashlar/check/prometheus", "targets", address(watcher)}).exit_code, 0) << "and so does the check";
    power_on({nodes[2]});
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_TRUE(wait_until(300s, [&] { return asked(watcher, R"(ALERTS{alertname="NodeSilent", alertstate="firing"} or vector(0))").starts_with("{} => 0 @"); })) << asked(watcher, "ALERTS");
    // What it had seen before the cut is still there.
    EXPECT_TRUE(comes_to_answer(*nodes[2], "min_over_time(timestamp(up{instance=\"berlin-n1\", job=\"node\"})[15m:30s]) < time() - 60", "berlin-n1"));
}

TEST_F(Prometheus, CertificatesAreRenewedWithoutAnOutage) {
    const Nodes nodes = voters_of(sketch());
    ASSERT_NO_FATAL_FAILURE(power_on_and_form(nodes));
    const Node &watcher = *nodes[0], &other = *nodes[1];
    ASSERT_TRUE(comes_to_answer(watcher, "count(up == 1)", "{} => 6 @")) << asked(watcher, "up");
    const std::string exporter = serial_at(watcher, other, 9100), pages = serial_at(watcher, other, 9090);
    const std::string before = said(other, {"systemctl", "show", "--property=MainPID", "--value", "prometheus", "prometheus-node-exporter"});
    // Without what it kept the node asks for others.
    said(other, {"systemctl", "stop", "ashlard.service"});
    said(other, {"rm", "/var/lib/ashlar/certificates/prometheus.json", "/var/lib/ashlar/certificates/prometheus-node-exporter.json"});
    said(other, {"systemctl", "start", "ashlard.service"});
    EXPECT_TRUE(wait_until(patience, [&] { return serial_at(watcher, other, 9100) != exporter && serial_at(watcher, other, 9090) != pages; })) << what_they_say(nodes);
    EXPECT_EQ(said(other, {"systemctl", "show", "--property=MainPID", "--value", "prometheus", "prometheus-node-exporter"}), before) << "nobody was restarted";
    EXPECT_EQ(got(other, watcher, 9100, "/run/ashlar-prometheus/identity.pem"), "200");
    std::this_thread::sleep_for(65s);
    for (const Node* node : {&watcher, &other}) EXPECT_TRUE(comes_to_answer(*node, "count(min_over_time(up[1m]) == 1)", "{} => 6 @")) << asked(*node, "up");
}

} // namespace
} // namespace ashlar::virtual_site

// Certificates of services, on the nodes of a whole site: judged by openssl(1), as strangers do it.

#include "site_test.hpp"

#include <base/process.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* envoy = R"toml(
summary = "Speaks TLS"
roles = ["base"]
healthy = "observation.up"

[certificate]
also_for = ["vip"]

[observe]
run = ["/bin/sh", "-c", "test -s /run/envoy/key.pem && echo '{\"up\": true}' || echo '{\"up\": false}'"]
timeout = "10 s"
prints = { up = "boolean" }

[[render]]
path = "/run/envoy/key.pem"
owner = "root:root"
mode = "0400"
text = "${certificate.key}"

[[render]]
path = "/run/envoy/chain.pem"
owner = "root:root"
mode = "0644"
text = "${certificate.chain}"

[[render]]
path = "/run/envoy/authority.pem"
owner = "root:root"
mode = "0644"
text = "${site.authority}"

[[render]]
path = "/run/envoy/vip"
owner = "root:root"
mode = "0644"
text = "${site.vip} ${site.vip_host} ${site.router_id}\n"
)toml";

constexpr const char* virtual_address = "\n[vip]\naddresses = [\"10.77.0.100\"]\nrouter_id = 77\n";

class Certificates : public SiteTest {
protected:
    // Over the definitions of the image, what the daemon reads when it starts.
    static void bring_envoy(const Nodes& nodes) {
        for (const Node* node : nodes) {
            said(*node, {"sh", "-c", fmt::format("cp -r /usr/lib/ashlar/formations /run/formations; cat >/run/formations/envoy.toml <<'END'{}END\nmount --bind /run/formations /usr/lib/ashlar/formations", envoy)});
            said(*node, {"systemctl", "restart", "ashlard.service"});
        }
    }
    [[nodiscard]] static bool are_served(const Nodes& nodes) {
        return wait_until(patience, [&] { return std::ranges::all_of(nodes, [](const Node* node) { return formations_of(*node)["envoy"] == "settled"; }); });
    }
    // What lies on a node, where openssl of this machine finds it.
    [[nodiscard]] fs::path taken(const Node& node, const std::string& file) const {
        const fs::path here = bench_.work() / fmt::format("{}-{}", node.name(), file);
        write_file(here, said(node, {"cat", "/run/envoy/" + file}) + "\n");
        return here;
    }
    static std::string openssl(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "openssl");
        const auto outcome = run({.argv = std::move(arguments)});
        return outcome.output + outcome.errors;
    }
    [[nodiscard]] std::string verified(const Node& node, const fs::path& authority, std::vector<std::string> more = {}) const {
        std::vector<std::string> arguments{"verify", "-CAfile", authority.native()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        arguments.push_back(taken(node, "chain.pem").native());
        return openssl(std::move(arguments));
    }
    [[nodiscard]] std::string key_of(const Node& node) const { return said(node, {"cat", "/run/envoy/key.pem"}); }
};

TEST_F(Certificates, OfAServiceAreIssuedOnEveryNodeAndKept) {
    const Nodes nodes = nodes_of({.name = "berlin", .voters = 1, .others = 1, .more = virtual_address});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    bring_envoy(nodes);
    ASSERT_TRUE(are_served(nodes)) << what_they_say(nodes);

    const fs::path authority = taken(*nodes[0], "authority.pem");
    for (const Node* node : nodes) {
        EXPECT_THAT(verified(*node, authority, {"-x509_strict", "-purpose", "sslserver", "-verify_hostname", "envoy.ashlar"}), HasSubstr(": OK"));
        EXPECT_THAT(verified(*node, authority, {"-purpose", "sslclient", "-verify_ip", address(*node)}), HasSubstr(": OK"));
        EXPECT_THAT(verified(*node, authority, {"-verify_ip", "10.77.0.100"}), HasSubstr(": OK"));
        EXPECT_THAT(verified(*node, authority, {"-verify_ip", "10.77.0.99"}), Not(HasSubstr(": OK"))) << "openssl looks";
        EXPECT_THAT(openssl({"x509", "-in", taken(*node, "chain.pem").native(), "-noout", "-ext", "subjectAltName"}), HasSubstr("URI:ashlar:"));
        EXPECT_EQ(openssl({"x509", "-in", taken(*node, "chain.pem").native(), "-noout", "-pubkey"}), openssl({"pkey", "-in", taken(*node, "key.pem").native(), "-pubout"}));
        EXPECT_EQ(said(*node, {"stat", "-c", "%a %U", "/run/envoy/key.pem"}), "400 root");
        EXPECT_EQ(said(*node, {"cat", "/run/envoy/vip"}), "10.77.0.100 10.77.0.100 77");
        EXPECT_EQ(read_file(taken(*node, "authority.pem")), read_file(authority));
    }
    EXPECT_NE(key_of(*nodes[0]), key_of(*nodes[1]));

    // The same ones after the power was cut.
    const std::string before = key_of(*nodes[1]);
    cut_power(nodes);
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    EXPECT_FALSE(nodes[1]->run({"test", "-e", "/run/envoy"}).ok());
    bring_envoy(nodes);
    ASSERT_TRUE(are_served(nodes)) << what_they_say(nodes);
    EXPECT_EQ(key_of(*nodes[1]), before);

    // What was changed on the disk is not used.
    said(*nodes[1], {"systemctl", "stop", "ashlard.service"});
    said(*nodes[1], {"sed", "-i", "s/\"key\":\"..../\"key\":\"AAAA/", "/var/lib/ashlar/certificates/envoy.json"});
    said(*nodes[1], {"systemctl", "start", "ashlard.service"});
    ASSERT_TRUE(wait_until(patience, [&] { return key_of(*nodes[1]) != before; })) << what_they_say(nodes);
    EXPECT_THAT(verified(*nodes[1], authority), HasSubstr(": OK"));
}

TEST_F(Certificates, FollowTheSiteToAnotherAuthority) {
    const Nodes nodes = nodes_of({.name = "berlin", .voters = 1, .others = 1, .more = virtual_address});
    power_on(nodes);
    ASSERT_TRUE(are_members(nodes)) << what_they_say(nodes);
    bring_envoy(nodes);
    ASSERT_TRUE(are_served(nodes)) << what_they_say(nodes);
    const fs::path former = bench_.work() / "former.pem";
    fs::copy_file(taken(*nodes[0], "authority.pem"), former);

    said(*nodes[0], {"ashlarctl", "site", "authority", "rotate"});
    // Whoever meets whom on the way: each trusts what the other one shows.
    std::size_t most = 0;
    const bool is_done = wait_until(600s, [&] {
        std::string all;
        for (const Node* node : nodes) all += node->run({"cat", "/run/envoy/authority.pem"}).output;
        std::size_t authorities = 0;
        for (std::size_t at = 0; (at = all.find("BEGIN CERTIFICATE", at)) != std::string::npos; ++at) ++authorities;
        most = std::max(most, authorities);
        for (const Node* node : nodes)
            for (const Node* other : nodes) EXPECT_THAT(verified(*node, taken(*other, "authority.pem")), HasSubstr(": OK"));
        const auto said = nodes[0]->run({"ashlarctl", "site", "authority", "progress"}).output;
        return said.find("the former authorities count no more") != std::string::npos && said.find("waits for") == std::string::npos;
    });
    ASSERT_TRUE(is_done) << what_they_say(nodes);
    EXPECT_EQ(most, 4U) << "both nodes trust both";
    for (const Node* node : nodes) {
        EXPECT_THAT(verified(*node, taken(*node, "authority.pem")), HasSubstr(": OK"));
        EXPECT_THAT(verified(*node, former), Not(HasSubstr(": OK")));
    }
}

} // namespace
} // namespace ashlar::virtual_site

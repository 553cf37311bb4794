// memcached on a node of a site: by TLS, and for nobody else.

#include "site_test.hpp"

namespace ashlar::virtual_site {
namespace {

class Memcached : public SiteTest {
protected:
    [[nodiscard]] static Sketch sketch() { return {.name = "berlin", .voters = 1, .more = "\n[services]\ngalera = false\nrabbitmq = false\novn-central = false\novn-northd = false\n", .roles = R"("control")"}; }
    // What comes back from a cache that is asked for its version; "" for who is refused.
    [[nodiscard]] static std::string ask(const Node& node, const std::string& address, const std::string& way) { return said(node, {"sh", "-c", "printf 'version\\r\\nquit\\r\\n' | timeout 10 socat -t3 - " + way + ":" + address + ":11211" + (way == "TCP" ? "" : ",cafile=/run/memcached-tls/authority.pem,commonname=memcached.ashlar,no-sni=1") + " 2>/dev/null | tr -d '\\r\\000-\\011\\025' | grep -a VERSION || true"}); }
};

TEST_F(Memcached, SpeaksTlsWithThisSiteAloneAndKeepsWhatItHasWithANewCertificate) {
    const Nodes nodes = voters_of(sketch());
    const Node& node = *nodes[0];
    power_on(nodes);
    ASSERT_TRUE(wait_until(patience, [&] {
        const auto states = formations_of(node);
        return states.contains("memcached") && states.at("memcached") == "settled";
    })) << what_they_say(nodes);
    const auto outcome = node.run({"/usr/lib/ashlar/check/memcached"});
    EXPECT_TRUE(outcome.ok()) << outcome.output << outcome.errors;
    EXPECT_EQ(ask(node, address(node), "TCP"), "");
    EXPECT_EQ(ask(node, address(node), "openssl-connect"), "") << "without a certificate";

    const auto pid = [&] { return said(node, {"systemctl", "show", "--property=MainPID", "--value", "memcached"}); };
    const auto serial = [&] { return said(node, {"sh", "-c", "openssl s_client -connect " + address(node) + ":11211 -cert /run/memcached-tls/identity.pem -key /run/memcached-tls/identity.pem </dev/null 2>/dev/null | openssl x509 -noout -serial"}); };
    const std::string running = pid(), before = serial();
    said(node, {"sh", "-c", "rm /var/lib/ashlar/certificates/memcached.json; systemctl restart --no-block ashlard"});
    EXPECT_TRUE(wait_until(patience, [&] { return serial() != before; }));
    EXPECT_EQ(pid(), running) << "it was started again";
    EXPECT_TRUE(node.run({"/usr/lib/ashlar/check/memcached"}).ok());
}

} // namespace
} // namespace ashlar::virtual_site

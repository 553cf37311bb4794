// What a node lets in: docs/services/firewall.md.

#include "site_test.hpp"
#include "stranger.hpp"

#include <base/process.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

namespace ashlar::virtual_site {
namespace {

using testing::HasSubstr;

std::vector<std::string> connecting(const std::string& address, unsigned port) { return {"timeout", "2", "bash", "-c", fmt::format("exec 3<>/dev/tcp/{}/{}", address, port)}; }

class Firewall : public SiteTest {
protected:
    [[nodiscard]] bool reaches(const Node& from, unsigned port) const { return from.run(connecting(address(server_), port)).ok(); }
    [[nodiscard]] bool stranger_reaches(unsigned port) const { return ashlar::run({.argv = connecting(address(server_), port)}).ok(); }
    static void listen(const Node& node, unsigned port) { said(node, {"systemd-run", "--quiet", "--collect", "systemd-socket-activate", fmt::format("--listen={}", port), "--accept", "cat"}); }

    const Nodes nodes_ = voters_of({.name = "berlin"});
    const Node& server_ = *nodes_[0];
    const Node& client_ = *nodes_[1];
    const Stranger stranger_; // with whose address this process connects
};

TEST_F(Firewall, LetsInWhatServicesListenOnAndNothingElse) {
    constexpr unsigned ssh = 22, voters = 4748, exporter = 9100, nobodys = 5555;
    power_on(nodes_);
    ASSERT_TRUE(wait_until(patience, [&] { return are_settled(nodes_); })) << what_they_say(nodes_);
    EXPECT_EQ(formations_of(server_).at("firewall"), "settled");
    listen(server_, nobodys);
    ASSERT_TRUE(wait_until(patience, [&] { return server_.run(connecting("127.0.0.1", nobodys)).ok(); }));

    EXPECT_TRUE(reaches(client_, exporter)) << "a service, from a node of the site";
    EXPECT_FALSE(stranger_reaches(exporter)) << "and from nobody else";
    EXPECT_FALSE(reaches(client_, nobodys)) << "no service has it";
    EXPECT_FALSE(stranger_reaches(nobodys));
    EXPECT_TRUE(stranger_reaches(voters)) << "where a certificate is asked for";
    EXPECT_TRUE(stranger_reaches(ssh));

    // Rules that cannot be loaded leave those that are.
    EXPECT_FALSE(server_.run({"sh", "-c", "{ cat /run/ashlar/firewall; echo 'port management tcp none nodes'; } >/run/wrong && /usr/lib/ashlar/form/firewall /run/wrong /run/wrong.seen"}).ok());
    EXPECT_TRUE(reaches(client_, exporter));
    EXPECT_FALSE(stranger_reaches(exporter));

    // Somebody takes them away.
    said(server_, {"nft", "flush", "ruleset"});
    EXPECT_TRUE(stranger_reaches(exporter)) << "so they did";
    EXPECT_TRUE(wait_until(patience, [&] { return !stranger_reaches(exporter) && reaches(client_, exporter); })) << said(server_, {"nft", "list", "ruleset"});
}

} // namespace
} // namespace ashlar::virtual_site

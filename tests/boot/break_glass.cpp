// The site's break-glass key: for the node that it names, over the network and at the console, and for no other.

#include "node.hpp"

#include <base/text.hpp>

#include <fmt/format.h>

using namespace lab;
using testing::HasSubstr;

namespace {

BreakGlass for_an_hour(const std::string& node, const std::string& reason) {
    const Time now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return {.node = node, .issued = now, .expires = now + std::chrono::hours(1), .reason = reason};
}

TEST(BreakGlass, OpensTheNodeThatItNames) {
    Node node;
    Visitor& anna = node.visitor;
    const Visitor glass;
    Visitor bob;
    bob.go_with(anna);
    const Disk stick = medium(onto_target, fmt::format("[access]\nbreak_glass = [\"{}\"]\n", glass.public_key()));
    expect_installed(start(stick, node.target.arguments(), machine::Until::power_off, node.board));
    if (HasFatalFailure()) return;
    const auto name = node.target.state().at("hostname").get<std::string>();
    anna.carry_break_glass_of(glass, for_an_hour(name, "over the network"));
    bob.carry_break_glass_of(glass, for_an_hour("node-000000000000", "to another node"));

    std::optional<ashlar::Outcome> let_in, refused, status, kept;
    const auto type = [&](machine::Options& options) {
        options.typing = {
            {"Press b to become root", "b"},
            {"Paste the token", glass.break_glass(for_an_hour("node-000000000000", "to another node"))},
            {"refused: it is for 'node-000000000000'", ""},
            {"Press b to become root", "b"},
            {"Paste the token", glass.break_glass(for_an_hour(name, "at the console"))},
            {"as everybody can see: at the console", "id -un > /run/typed; echo typed-$((6*7))\n"},
            {"typed-42", "exit\n"},
            {"the break-glass session has ended", ""},
        };
    };
    const auto visit = [&] {
        if (!anna.run("test -s /run/typed").ok()) return false;
        refused = bob.run("true");
        let_in = anna.run("id -un; cat /run/typed");
        status = anna.run("ashlarctl status --json");
        kept = anna.run("journalctl --no-pager --output=cat --identifier=ashlar");
        return anna.run("systemctl poweroff").ok();
    };
    const auto report = node.visited(visit, type);
    ASSERT_TRUE(let_in && refused && status && kept) << report.verdict.detail << '\n' << report.transcript;
    EXPECT_EQ(let_in->output, "root\nroot\n") << let_in->errors;
    EXPECT_EQ(refused->exit_code, 255);
    EXPECT_THAT(refused->errors, HasSubstr("Permission denied (publickey)"));
    EXPECT_THAT(report.transcript, HasSubstr("the break-glass session has ended"));

    std::vector<std::string> uses;
    const Json shown = Json::parse(status->output).at("break_glass");
    for (const auto& use : shown) uses.push_back(fmt::format("{}: {}: {}", use.at("way").get<std::string>(), use.at("reason").get<std::string>(), use.at("fault").get<std::string>()));
    EXPECT_THAT(uses, testing::Contains("console: at the console: "));
    EXPECT_THAT(uses, testing::Contains("ssh: over the network: "));
    EXPECT_THAT(uses, testing::Contains(fmt::format("console: to another node: it is for 'node-000000000000', and this is '{}'", name)));
    EXPECT_THAT(kept->output, HasSubstr("break-glass accepted by console until "));
    EXPECT_THAT(kept->output, HasSubstr("break-glass refused by console: it is for 'node-000000000000'"));
}

} // namespace

// A factory reset: the node forgets its data and its name, and keeps whom it lets in and its floor.

#include "node.hpp"

#include <base/process.hpp>
#include <base/text.hpp>
#include <state/state.hpp>

#include <gmock/gmock.h>

#include <memory>

#include <fmt/format.h>

using namespace lab;
using testing::HasSubstr;
using testing::Not;

namespace {

// Something for the reset to keep.
void set_floor(const Target& target, const std::string& floor) {
    const TemporaryDirectory directory{testing::TempDir()};
    const auto copy = directory.path() / "state", disk = target.path();
    const auto place = target.partition("state");
    run_checked({.argv = {"dd", "status=none", "bs=1M", "if=" + disk.native(), "of=" + copy.native(), fmt::format("skip={}", place.offset >> 20U), fmt::format("count={}", place.size >> 20U)}});
    Json content = state::read(copy).value().content;
    content["floor"] = floor;
    state::write(copy, content);
    run_checked({.argv = {"dd", "status=none", "bs=1M", "conv=notrunc", "if=" + copy.native(), "of=" + disk.native(), fmt::format("seek={}", place.offset >> 20U)}});
}

class FactoryReset : public testing::Test {
protected:
    // The same with each /var; called once.
    void begin(std::unique_ptr<Node> installed) {
        node = std::move(installed);
        set_floor(node->target, "R0.0");
        before = node->target.state();
    }
    // A disk that forgets what is discarded; by itself QEMU says so and keeps it, and all of /var is overwritten.
    static void forgets(machine::Options& options) { options.more_arguments.insert(options.more_arguments.end(), {"-set", "drive.disk.discard=unmap"}); }
    [[nodiscard]] machine::Report visited(const std::function<bool()>& visit) const { return node->visited(visit, forgets); }
    // Nobody goes there.
    [[nodiscard]] machine::Report boot(const std::optional<std::string>& cut = {}) const {
        const auto nobody = [] { return true; };
        return node->visited(nobody, [&](auto& options) {
            forgets(options);
            options.cut_power_at = cut;
        });
    }
    // Data, the key that signs the note, and the order; the machine ends at the restart.
    void order() {
        const auto report = visited([&] {
            if (!node->visitor.run("systemctl is-system-running --wait").ok()) return false;
            host_key = node->visitor.run("echo secret > /var/kept && sync && cat /etc/ssh/ssh_host_ed25519_key.pub").output;
            refused = node->visitor.run("ashlarctl factory-reset --yes=another").errors;
            answer = node->visitor.run("ashlarctl --json factory-reset --yes=$(uname -n)").output;
            return true;
        });
        ASSERT_EQ(machine::name_of(report.verdict.outcome), "reset") << report.verdict.detail << '\n' << report.transcript;
        EXPECT_THAT(refused, HasSubstr("and the request is for 'another'"));
        ASSERT_TRUE(node->target.state().contains("reset")) << answer;
    }
    void expect_reset(const machine::Report& report) {
        ASSERT_EQ(machine::name_of(report.verdict.outcome), "reset") << report.verdict.detail << '\n' << report.transcript;
        EXPECT_THAT(report.transcript, HasSubstr("this is a new node; starting again"));
        EXPECT_THAT(report.transcript, Not(HasSubstr("secret")));
        after = node->target.state();
        for (const char* member : {"access", "installed", "floor"}) EXPECT_EQ(after.at(member), before.at(member)) << member;
        EXPECT_NE(after.at("machine_id"), before.at("machine_id"));
        EXPECT_NE(after.at("hostname"), before.at("hostname"));
        EXPECT_FALSE(after.contains("reset"));
        EXPECT_EQ(after.at("last_reset").at("public_key"), trim(host_key));
    }
    // The node as its visitor finds it: another one, empty, with another key.
    void expect_new_node() {
        std::string kept, name, key, status;
        const auto report = visited([&] {
            if (!node->visitor.run("systemctl is-system-running --wait").ok()) return false;
            kept = node->visitor.run("cat /var/kept").output;
            name = node->visitor.run("uname -n").output;
            key = node->visitor.run("cat /etc/ssh/ssh_host_ed25519_key.pub").output;
            status = node->visitor.run("ashlarctl status").output;
            return node->visitor.run("systemctl poweroff").ok();
        });
        ASSERT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.verdict.detail << '\n' << report.transcript;
        EXPECT_EQ(kept, "");
        EXPECT_EQ(trim(name), after.at("hostname").get<std::string>());
        EXPECT_THAT(key, HasSubstr("ssh-ed25519 "));
        EXPECT_NE(key, host_key);
        EXPECT_THAT(status, HasSubstr(fmt::format("was {}; ", before.at("hostname").get<std::string>())));
    }

    std::unique_ptr<Node> node;
    Json before, after;
    std::string host_key, refused, answer;
};

TEST_F(FactoryReset, ForgetsTheNodeAndGoesOnAfterAPowerCut) {
    begin(std::make_unique<Node>(installed_node()));
    order();
    if (HasFatalFailure()) return;
    const auto cut = boot("making /var anew");
    ASSERT_EQ(machine::name_of(cut.verdict.outcome), "powered off") << cut.transcript;
    ASSERT_TRUE(node->target.state().at("reset").contains("erased"));
    expect_reset(boot());
    if (HasFatalFailure()) return;
    EXPECT_EQ(after.at("last_reset").at("erased").at("ways"), Json::array({"discard"}));
    expect_new_node();
}

TEST_F(FactoryReset, OfAnEncryptedNodeTakesItsKeys) {
    const auto site = PrivateKey::generate(RsaBits::rsa3072);
    auto installed = std::make_unique<Node>();
    const auto stick = medium("encryption = \"require\"\nrecovery_key = '''\n" + site.public_key().pem() + "'''\n[install.disk]\nserial = \"target\"\n",
                              fmt::format("\n[access]\nssh_keys = [\"{}\"]\n", installed->visitor.public_key()));
    expect_installed(start(stick, installed->target.arguments(), machine::Until::power_off, installed->board));
    if (HasFailure()) return;
    begin(std::move(installed));
    order();
    if (HasFatalFailure()) return;
    expect_reset(boot());
    if (HasFatalFailure()) return;
    EXPECT_EQ(after.at("last_reset").at("erased").at("ways"), (Json::array({"crypto-erase", "discard"})));
    EXPECT_EQ(after.at("encryption").at("key"), before.at("encryption").at("key"));
    EXPECT_NE(after.at("encryption").at("recovery"), before.at("encryption").at("recovery"));
    expect_new_node();
}

} // namespace

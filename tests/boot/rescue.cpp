// The rescue entry: it shows the node, exports its logs, and writes nothing.

#include "node.hpp"

#include <base/process.hpp>
#include <base/text.hpp>

#include <fmt/format.h>

using namespace lab;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr const char* stick_offset = "@@1M";

Target empty_stick() {
    Target stick(std::uint64_t{256} << 20U);
    run_checked({.argv = {program("sfdisk"), "--quiet", stick.path().native()}, .input = "label: gpt\nstart=1MiB, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\n"});
    run_checked({.argv = {"mformat", "-i", stick.path().native() + stick_offset, "-F", "-T", "500000", "-h", "64", "-s", "32", "::"}});
    return stick;
}

// The archive that was written to it, as a listing, and its status.
struct Exported {
    std::string listing;
    Json status;
};
Exported exported(const Target& stick) {
    const TemporaryDirectory directory{testing::TempDir()};
    run_checked({.argv = {"mcopy", "-s", "-i", stick.path().native() + stick_offset, "::/ashlar", directory.path().native()}});
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path() / "ashlar")) files.push_back(entry.path().native());
    EXPECT_THAT(files, testing::ElementsAre(testing::MatchesRegex(".*/logs-node-[0-9a-f]+-[0-9]+T[0-9]+Z.tar.gz")));
    if (files.size() != 1) return {};
    return {run_checked({.argv = {"tar", "-tzf", files[0]}}), Json::parse(run_checked({.argv = {"tar", "-xOzf", files[0], "status.json"}}))};
}

std::string content_of(const Target& target, std::string_view label) {
    const auto place = target.partition(label);
    return run_checked({.argv = {"sh", "-c", fmt::format("dd status=none bs=1M if={} skip={} count={} | sha256sum", target.path().native(), place.offset >> 20U, place.size >> 20U)}});
}

void ask_for_rescue(const Node& node) {
    const auto report = node.visited([&] { return node.visitor.run("systemctl is-system-running --wait").ok() && node.visitor.run("ashlarctl rescue").ok(); });
    ASSERT_EQ(machine::name_of(report.verdict.outcome), "reset") << report.verdict.detail << '\n' << report.transcript;
}

// One start of the rescue entry, in which somebody exports the logs and powers the machine off.
machine::Report rescue(const Node& node, const Target& stick) {
    return node.target.boot([&](auto& options) {
        node.board.in(options);
        options.until = machine::Until::power_off;
        options.more_arguments = stick.arguments("stick");
        options.typing = {{"write logs and status onto a FAT stick", "e"}, {"the stick may be taken out", " "}, {"o  power off", "o"}};
    });
}

void looks_and_writes_nothing(const Node& node) {
    const Json state = node.target.state();
    ask_for_rescue(node);
    if (testing::Test::HasFatalFailure()) return;
    const std::string before = content_of(node.target, "state") + content_of(node.target, "var");
    const Target stick = empty_stick();
    const auto report = rescue(node, stick);
    // It may be switched off before it has said that it is there.
    ASSERT_THAT(std::string(machine::name_of(report.verdict.outcome)), testing::AnyOf("ready", "powered off")) << report.verdict.detail << '\n' << report.transcript;
    EXPECT_THAT(report.transcript, HasSubstr("rescue: nothing of this node is written"));
    EXPECT_THAT(report.transcript, HasSubstr(state.at("hostname").get<std::string>()));
    EXPECT_THAT(report.transcript, Not(HasSubstr("missing ")));
    EXPECT_EQ(content_of(node.target, "state") + content_of(node.target, "var"), before);

    const Exported logs = exported(stick);
    EXPECT_EQ(logs.status.at("place"), "rescue");
    EXPECT_EQ(logs.status.at("hostname"), state.at("hostname"));
    EXPECT_THAT(logs.listing, HasSubstr("/system.journal\n"));
    for (const char* name : {"disks.json", "dmesg.txt", "units.txt"}) EXPECT_THAT(logs.listing, HasSubstr(name));

    // Asked for once; and nothing was counted.
    expect_node(node.target.boot([&](auto& options) {
        node.board.in(options);
        options.until = machine::Until::shut_down;
    }),
                state);
    EXPECT_EQ(node.target.state(), state);
}

TEST(Rescue, LooksAtTheNodeAndWritesNothing) { looks_and_writes_nothing(installed_node()); }

// Its /var is opened by the TPM, which measures the rescue entry as something else than the node.
TEST(Rescue, OpensAnEncryptedVarToLookAtIt) {
    const Node node;
    const auto site = PrivateKey::generate(RsaBits::rsa3072);
    const Disk stick = medium("encryption = \"require\"\nrecovery_key = '''\n" + site.public_key().pem() + "'''\n[install.disk]\nserial = \"target\"\n",
                              fmt::format("[access]\nssh_keys = [\"{}\"]\n", node.visitor.public_key()));
    expect_installed(start(stick, node.target.arguments(), machine::Until::power_off, node.board));
    if (HasFatalFailure()) return;
    looks_and_writes_nothing(node);
}

} // namespace

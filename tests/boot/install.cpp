// A medium puts itself on a disk, and the disk then is a node.

#include "disk.hpp"

#include "../powercut/recorder.hpp"
#include "../powercut/survey.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <disks/claim.hpp>
#include <state/state.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

using namespace lab;
using machine::Outcome;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr std::uint64_t disk_size = std::uint64_t{8} << 30U;

// The empty disk of a machine, in a file. What is written to it from a medium is recorded.
class Target {
public:
    [[nodiscard]] std::filesystem::path path() const { return disk_.path(); }
    [[nodiscard]] std::vector<std::string> arguments() const { return disk_.arguments("target"); }
    [[nodiscard]] powercut::Log log() const { return disk_.log(); }
    void write(std::uint64_t offset, std::string_view text) const {
        const Fd file = open_file(path(), O_WRONLY);
        EXPECT_EQ(::pwrite(file.get(), text.data(), text.size(), static_cast<off_t>(offset)), static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] machine::Report boot(machine::Until until) const {
        return machine::boot({.disk = path(), .firmware = machine::find_firmware(), .variables = Lab::get().variables(),
                              .writes = machine::Writes::kept,
                              .network = machine::Network::none, .until = until});
    }
    [[nodiscard]] image::Partition partition(std::string_view label) const {
        for (const auto& partition : image::read_partition_table(path()).partitions)
            if (partition.label == label) return partition;
        throw Error(fmt::format("cannot find the partition '{}'", label));
    }
    // The content of the state partition.
    [[nodiscard]] Json state() const {
        const auto place = partition("state");
        const auto copy = directory_.path() / "state";
        run_checked({.argv = {"dd", "status=none", "bs=1M", "if=" + path().native(), "of=" + copy.native(),
                              fmt::format("skip={}", place.offset >> 20U), fmt::format("count={}", place.size >> 20U)}});
        return state::read(copy).value().content;
    }
    // A file of /var.
    [[nodiscard]] std::string in_var(const std::string& file) const {
        return run_checked({.argv = {program("debugfs"), "-R", "cat " + file, fmt::format("{}?offset={}", path().native(), partition("var").offset)}});
    }

private:
    TemporaryDirectory directory_{testing::TempDir()};
    powercut::RecordedDisk disk_{directory_.path(), disk_size};
};

Disk medium(std::string_view rule) {
    Disk disk("base");
    const std::string site = fmt::format("[site]\nname = \"berlin-1\"\n\n[install]\n{}", rule);
    disk.write_boot_file("ashlar/site.toml", bytes_of(site));
    return disk;
}

machine::Report start(const Disk& stick, const Target& target, machine::Until until) {
    return stick.boot([&](auto& options) {
        options.more_arguments = target.arguments();
        options.until = until;
    });
}

// Every cut of the installation that was recorded. Leaves the target as a cut in its last moment does: all is
// there, and so is the mark of an installation.
void cut(const Target& target) {
    const powercut::Log log = target.log();
    const powercut::Recording recording{.log = log, .sectors = disk_size / powercut::sector_size, .before = {},
                                        .releases = {powercut::release_of(Lab::get().base_of("base"), "R0.0")}, .fsck_each = 40};
    const auto result = survey(recording, {});
    fmt::print("power cuts while installing: {}", result.text());
    EXPECT_THAT(result.violations, testing::IsEmpty());
    EXPECT_THAT(result.disagreements, testing::IsEmpty());
    EXPECT_EQ(result.outcomes.count("starts R0.0"), 1U);

    ASSERT_FALSE(disks::is_claimed(target.path()));
    disks::claim(target.path());
}

TEST(Install, PutsTheMediumOnTheDiskThatTheRuleMeans) {
    const Target target;
    const auto installed = start(medium("[install.disk]\nserial = \"target\"\n"), target, machine::Until::power_off);
    ASSERT_EQ(machine::name_of(installed.verdict.outcome), "reset") << installed.transcript;
    ASSERT_THAT(installed.transcript, HasSubstr("installed; starting again from the disk"));
    const Json state = target.state();
    EXPECT_EQ(state.at("installed").at("site"), "berlin-1");

    cut(target);

    // Alone in the machine, twice: the same node, with what its services keep.
    std::string host_key;
    for (int boot = 1; boot <= 2; ++boot) {
        const auto report = target.boot(machine::Until::shut_down);
        ASSERT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.verdict.detail << '\n' << report.transcript;
        EXPECT_EQ(report.status->at("state"), "running");
        EXPECT_EQ(report.status->at("root").at("type"), "erofs");
        EXPECT_THAT(report.transcript, HasSubstr(fmt::format("{}: base", state.at("hostname").get<std::string>())));
        EXPECT_THAT(report.transcript, Not(HasSubstr("installing on")));
        EXPECT_EQ(target.state(), state);
        EXPECT_FALSE(disks::is_claimed(target.path()));
        const std::string key = target.in_var("/lib/ashlar/state/etc/ssh/ssh_host_ed25519_key.pub");
        EXPECT_THAT(key, HasSubstr("ssh-ed25519 "));
        EXPECT_TRUE(boot == 1 || key == host_key) << "another host key after a restart: " << key << host_key;
        host_key = key;
    }
}

TEST(Install, TouchesNoForeignData) {
    const Target target;
    target.write(disk_size - 4096, "somebody's data, of no kind that anybody knows");
    const std::string before = run_checked({.argv = {"sha256sum", target.path().native()}});
    const auto report = start(medium("[install.disk]\nbus = [\"virtio\"]\n"), target, machine::Until::shut_down);
    EXPECT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.transcript;
    EXPECT_THAT(report.transcript, HasSubstr("not installing: vdb may not be wiped"));
    EXPECT_THAT(report.transcript, HasSubstr("it carries data of an unknown kind, and wipe is \"if-blank\""));
    EXPECT_EQ(run_checked({.argv = {"sha256sum", target.path().native()}}), before);
}

} // namespace

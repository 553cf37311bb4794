// A medium puts itself on a disk, and the disk then is a node.

#include "node.hpp"

#include "../powercut/survey.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <disks/claim.hpp>
#include <signing/authenticode.hpp>
#include <signing/pe.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

using namespace lab;
using testing::HasSubstr;
using testing::Not;

namespace {

// Every cut of the installation that was recorded. Leaves the target as a cut in its last moment does: all is
// there, and so is the mark of an installation.
void cut(const Target& target) {
    const powercut::Log log = target.log();
    const powercut::Recording recording{.log = log, .sectors = target.size() / powercut::sector_size, .before = {},
                                        .releases = {powercut::release_of(Lab::get().base_of("base"), "R0.0")}, .fsck_each = 40};
    const auto result = survey(recording, {});
    fmt::print("power cuts while installing: {}", result.text());
    EXPECT_THAT(result.violations, testing::IsEmpty());
    EXPECT_THAT(result.disagreements, testing::IsEmpty());
    EXPECT_EQ(result.outcomes.count("starts R0.0"), 1U);

    ASSERT_EQ(disks::claim_on(target.path()), std::nullopt);
    disks::claim(target.path(), disks::Claim::whole_disk);
}

TEST(Install, PutsTheMediumOnTheDiskThatTheRuleMeans) {
    const Target target;
    const Board board;
    const Disk stick = medium(onto_target);
    expect_installed(start(stick, target.recorded(), machine::Until::power_off, board));
    if (HasFatalFailure()) return;
    const Json state = target.state();
    EXPECT_EQ(state.at("installed").at("site"), "berlin-1");
    cut(target);

    // The stick is still there, and comes first where the firmware has no entry of its own.
    const auto with_stick = stick.boot([&](auto& options) {
        board.in(options);
        options.boot_from = machine::BootFrom::the_firmwares_list;
        options.more_arguments = target.arguments();
        options.until = machine::Until::shut_down;
    });
    expect_node(with_stick, state);
    EXPECT_EQ(disks::claim_on(target.path()), std::nullopt);
    const std::string key = target.in_var("/lib/ashlar/state/etc/ssh/ssh_host_ed25519_key.pub");
    EXPECT_THAT(key, HasSubstr("ssh-ed25519 "));

    // Alone, in a board that has never seen it: the same node, with what its services keep.
    expect_node(target.boot([](auto& options) { options.until = machine::Until::shut_down; }), state);
    EXPECT_EQ(target.state(), state);
    EXPECT_EQ(target.in_var("/lib/ashlar/state/etc/ssh/ssh_host_ed25519_key.pub"), key) << "another host key after a restart";
}

// Units that systemd starts only at a first boot, or after /usr changed, each with whether it was started.
constexpr const char* first_boot_units = R"sh(cd /usr/lib/systemd/system
for unit in $(grep -lE '^Condition(FirstBoot|NeedsUpdate)=' *.service); do
    echo "$unit $(systemctl show --value -p ExecMainStartTimestampMonotonic "$unit")"
done
echo "first-boot-complete.target $(systemctl show --value -p ActiveEnterTimestampMonotonic first-boot-complete.target)")sh";

// The node is there for those whom the site names, and for nobody else; and it is no new machine to systemd.
TEST(Install, LetsInWhomTheSiteNames) {
    const Node node;
    const Visitor& anna = node.visitor;
    const Visitor authority;
    Visitor bob, stranger;
    bob.carry_certificate_of(authority);
    stranger.carry_certificate_of(anna);
    for (Visitor* visitor : {&bob, &stranger}) visitor->go_with(anna);
    const Disk stick = medium(onto_target, fmt::format("[access]\nssh_keys = [\"{}\"]\nssh_ca = [\"{}\"]\n", anna.public_key(), authority.public_key()));
    expect_installed(start(stick, node.target.arguments(), machine::Until::power_off, node.board));
    if (HasFatalFailure()) return;

    std::optional<ashlar::Outcome> refused, by_certificate, units;
    const auto report = node.visited([&] {
        if (!anna.run("systemctl is-system-running --wait").ok()) return false;
        refused = stranger.run("true");
        by_certificate = bob.run("id -un");
        units = anna.run(first_boot_units);
        return anna.run("systemctl poweroff").ok();
    });
    ASSERT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.verdict.detail << '\n' << report.transcript;
    ASSERT_TRUE(refused && by_certificate && units);
    EXPECT_EQ(refused->exit_code, 255);
    EXPECT_THAT(refused->errors, HasSubstr("Permission denied (publickey)"));
    EXPECT_EQ(by_certificate->output, "root\n") << by_certificate->errors;
    EXPECT_THAT(units->output, HasSubstr("systemd-firstboot.service "));
    const std::string output = units->output;
    for (const auto line : split(trim(output), '\n')) EXPECT_TRUE(line.ends_with(" 0")) << line << " was started";
}

TEST(Install, BeginsAgainAfterAPowerCutOnADiskOfLargeSectors) {
    const Target target;
    const Board board;
    const Disk stick = medium(onto_target);
    const auto disk = target.arguments("target", "", ",logical_block_size=4096,physical_block_size=4096");
    const auto cut = start(stick, disk, machine::Until::power_off, board, "reading back what was written");
    ASSERT_EQ(machine::name_of(cut.verdict.outcome), "powered off") << cut.transcript;
    expect_installed(start(stick, disk, machine::Until::power_off, board));
    if (HasFatalFailure()) return;
    const auto report = target.boot([](auto& options) {
        options.more_arguments = {"-global", "virtio-blk-pci.logical_block_size=4096", "-global", "virtio-blk-pci.physical_block_size=4096"};
    });
    ASSERT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.verdict.detail << '\n' << report.transcript;
    EXPECT_THAT(report.transcript, HasSubstr(": base"));
    EXPECT_THAT(report.transcript, Not(HasSubstr("not installing")));
}

TEST(Install, SaysOfEachDiskWhyItIsNotTheOne) {
    const Target unknown, small(gib), write_protected, foreign;
    unknown.write(unknown.size() - 4096, "somebody's data, of no kind that anybody knows");
    run_checked({.argv = {program("sfdisk"), "--quiet", foreign.path().native()}, .input = "label: gpt\n,1G\n"});
    std::vector<std::string> disks;
    const auto add = [&](std::vector<std::string> arguments) { disks.insert(disks.end(), arguments.begin(), arguments.end()); };
    add(small.arguments("small"));
    add(write_protected.arguments("protected", ",readonly=on"));
    const std::string before = unknown.digest() + foreign.digest();

    const auto with = [&](const Target& target) {
        auto all = disks;
        for (auto& argument : target.arguments("target")) all.push_back(argument);
        return all;
    };
    const auto report = start(medium(onto_target), with(foreign), machine::Until::shut_down, Board());
    EXPECT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.transcript;
    EXPECT_THAT(report.transcript, HasSubstr("not installing: vdd may not be wiped"));
    EXPECT_THAT(report.transcript, HasSubstr("): the node was started from it"));
    EXPECT_THAT(report.transcript, HasSubstr("vdb (virtio, 1.1 GB): it is too small: "));
    EXPECT_THAT(report.transcript, HasSubstr("vdc (virtio, 8.6 GB): it is read-only"));
    EXPECT_THAT(report.transcript, HasSubstr("vdd (virtio, 8.6 GB): it carries gpt, and wipe is \"if-blank\""));

    const auto again = start(medium(onto_target), unknown.arguments(), machine::Until::shut_down, Board());
    EXPECT_EQ(machine::name_of(again.verdict.outcome), "ready") << again.transcript;
    EXPECT_THAT(again.transcript, HasSubstr("it carries data of an unknown kind, and wipe is \"if-blank\""));
    EXPECT_EQ(unknown.digest() + foreign.digest(), before);
}

// The image on the system disk itself. Nothing of it moves, and a cut in the middle begins again.
TEST(Install, MakesANodeOfTheDiskThatTheImageWasWrittenTo) {
    const Board board;
    const Disk disk = medium(std::string(unencrypted) + "in_place = true\n");
    {
        const Fd file = open_file(disk.path(), O_RDWR);
        ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(8 * gib)), 0);
    }
    const auto root = disk.root();
    const auto content = [&] {
        return run_checked({.argv = {"sh", "-c", fmt::format("dd status=none bs=1M if={} skip={} count={} | sha256sum", disk.path().native(), root.offset >> 20U, root.size >> 20U)}});
    };
    const std::string before = content();
    const auto boot = [&](machine::Until until, std::optional<std::string> cut) {
        return disk.boot([&](auto& options) {
            board.in(options);
            options.writes = machine::Writes::kept;
            options.until = until;
            options.cut_power_at = std::move(cut);
        });
    };
    const auto cut = boot(machine::Until::power_off, "state, slots and /var are there");
    ASSERT_EQ(machine::name_of(cut.verdict.outcome), "powered off") << cut.transcript;
    expect_installed(boot(machine::Until::power_off, std::nullopt));
    if (HasFatalFailure()) return;
    std::vector<std::string> labels;
    for (const auto& partition : image::read_partition_table(disk.path()).partitions) labels.push_back(partition.label.substr(0, partition.label.find("_R")));
    EXPECT_THAT(labels, testing::ElementsAre("esp", "root", "verity", "state", "_empty", "_empty", "_empty", "_empty", "var"));
    EXPECT_EQ(content(), before);
    for (const auto& partition : image::read_partition_table(disk.path()).partitions)
        if (partition.label == "state") expect_node(boot(machine::Until::shut_down, std::nullopt), state_in(disk.path(), partition));
}

// A server as it comes without anybody's keys, and a medium that may give it some: only then it installs.
TEST(Install, EnrolsTheKeysOfItsMediumFirst) {
    const Target target;
    const Board board(machine::find_firmware().variables);
    Disk stick = medium("secure_boot = \"enrol\"\n" + onto_target);
    const auto begin = [&](machine::Until until) { return start(stick, target.arguments(), until, board); };

    const auto without_keys = begin(machine::Until::shut_down);
    EXPECT_THAT(without_keys.transcript, HasSubstr("cannot enrol Secure Boot keys: the medium has 0 directories in loader/keys"));
    for (const auto& file : Lab::get().variable_files({}))
        if (file.name.ends_with(".auth") && file.name != "dbx-append.auth") stick.write_boot_file("loader/keys/berlin-1/" + file.name, file.contents);
    const auto enrolled = begin(machine::Until::power_off);
    EXPECT_EQ(machine::name_of(enrolled.verdict.outcome), "reset") << enrolled.transcript;
    EXPECT_THAT(enrolled.transcript, HasSubstr("starting again, under Secure Boot"));
    EXPECT_THAT(enrolled.transcript, Not(HasSubstr("installing on")));
    expect_installed(begin(machine::Until::power_off));

    // From now on the firmware refuses what they did not sign.
    const auto unsigned_uki = without_certificates(stick.read_boot_file(stick.uki_path()), "uki");
    stick.write_boot_file(stick.uki_path(), unsigned_uki);
    EXPECT_EQ(machine::name_of(begin(machine::Until::power_off).verdict.outcome), "refused");
}

// A stick as one has it in the hand, and the kernel that knows it. Pulled out in the middle, it is named, and
// nothing but another attempt is needed.
TEST(Install, FromAUsbStickThatIsPulledOutAndPutBack) {
    const Target target;
    const Board board;
    const Disk stick = medium(onto_target, {}, "hardware");
    const auto start = [&](const std::function<void(machine::Options&)>& change) {
        return stick.boot([&](auto& options) {
            board.in(options);
            options.disk_bus = machine::DiskBus::usb;
            options.more_arguments = target.arguments();
            options.until = machine::Until::power_off;
            change(options);
        });
    };
    const auto pulled_out = start([](auto& options) {
        options.pull_out_at = "layout and copies";
        options.cut_power_at = "the medium was pulled out";
    });
    EXPECT_THAT(pulled_out.transcript, HasSubstr("installing on '/dev/vd"));
    ASSERT_THAT(pulled_out.verdict.detail, HasSubstr("the power was cut")) << pulled_out.transcript;
    expect_installed(start([](auto&) {}));
    if (HasFatalFailure()) return;
    expect_node(target.boot([](auto& options) { options.until = machine::Until::shut_down; }), target.state(), "hardware");
}

} // namespace

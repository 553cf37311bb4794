// What programs that are not ours say of the finished images: this machine's own, and systemd's verifier
// of units as it is in the image.

#include "disk.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <image/fat.hpp>
#include <signing/uki.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <unistd.h>

using namespace lab;
using testing::HasSubstr;

namespace {

namespace fs = std::filesystem;

// A finished image and its parts as files.
class Exhibit {
public:
    explicit Exhibit(const std::string& role) : disk(Lab::get().base_of(role).native() + ".raw"), table(image::read_partition_table(disk)) {
        const auto manifest = parse_json(read_file(Lab::get().base_of(role).native() + ".manifest.json"), "manifest");
        root_hash = manifest.at("root_hash").get<std::string>().substr(std::string_view("sha256:").size());
        for (const auto& partition : table.partitions)
            run_checked({.argv = {"dd", "status=none", "conv=sparse", "bs=1M", "if=" + disk.native(), "of=" + part(partition.number).native(),
                                  fmt::format("skip={}", partition.offset >> 20U), fmt::format("count={}", partition.size >> 20U)}});
    }
    // Number 1 is the ESP, 2 the root, 3 its hash tree (docs/formats/image.md).
    [[nodiscard]] fs::path part(std::size_t number) const { return path(std::to_string(number)); }
    [[nodiscard]] fs::path path(std::string_view name) const { return directory_.path() / name; }

    // The root as fsck.erofs reads it.
    [[nodiscard]] const fs::path& root() const {
        if (root_.empty()) {
            root_ = path("root");
            run_checked({.argv = {"fsck.erofs", "--extract=" + root_.native(), part(2).native()}});
        }
        return root_;
    }

    const fs::path disk;
    const image::PartitionTable table;
    std::string root_hash;

private:
    TemporaryDirectory directory_{fs::temp_directory_path(), "ashlar-boot-"};
    mutable fs::path root_;
};

const Exhibit& exhibit(const std::string& role) {
    static std::map<std::string, std::unique_ptr<Exhibit>> all;
    auto& one = all[role];
    if (!one) one = std::make_unique<Exhibit>(role);
    return *one;
}

class Judge : public testing::TestWithParam<const char*> {
protected:
    const Exhibit& shown = exhibit(GetParam());
};

TEST_P(Judge, SfdiskAndSgdiskFindNoFaultInTheTable) {
    EXPECT_THAT(run_checked({.argv = {program("sfdisk"), "--verify", shown.disk.native()}}), HasSubstr("No errors detected."));
    EXPECT_THAT(run_checked({.argv = {program("sgdisk"), "--verify", shown.disk.native()}}), HasSubstr("No problems found."));
}

TEST_P(Judge, FsckFatFindsNoFaultInTheBootPartition) {
    const auto answer = run({.argv = {program("fsck.fat"), "-n", "-v", shown.part(1).native()}});
    EXPECT_TRUE(answer.ok()) << answer.output << answer.errors;
}

TEST_P(Judge, SbverifyAcceptsEveryProgramOnTheBootPartition) {
    const auto fd = open_file(shown.part(1), O_RDONLY);
    const image::FatVolume volume(fd.get(), 0, fs::file_size(shown.part(1)), "esp");
    int programs = 0;
    for (const auto& file : volume.files()) {
        if (!lower(file.path).ends_with(".efi")) continue;
        ++programs;
        write_file(shown.path("program.efi"), text_of(volume.read(file)));
        EXPECT_THAT(run_checked({.argv = {"sbverify", "--cert", Lab::get().keys / "db.pem", shown.path("program.efi")}}),
                    HasSubstr("Signature verification OK"))
            << file.path;
    }
    EXPECT_EQ(programs, 3); // the boot loader under two names, and the UKI
}

TEST_P(Judge, VeritysetupFindsTheRootToBeWhatTheRootHashSays) {
    const auto answer = run({.argv = {program("veritysetup"), "verify", shown.part(2), shown.part(3), shown.root_hash}});
    EXPECT_TRUE(answer.ok()) << answer.output << answer.errors;
}

TEST_P(Judge, FsckErofsReadsTheFilesThatTheTreeRecordNames) {
    const auto record = parse_json(read_file(Lab::get().base_of(GetParam()).native() + ".tree.json"), "tree.json");
    std::size_t files = 0;
    for (const auto& entry : record.at("entries")) {
        if (!entry.contains("sha256")) continue;
        ++files;
        const auto path = shown.root() / entry.at("path").get<std::string>();
        EXPECT_EQ(sha256_of_file(path).hex(), entry.at("sha256").get<std::string>()) << path;
    }
    EXPECT_GT(files, 100U);
}

// Attaches the image to a loop device, mounts it and reads its os-release.
TEST_P(Judge, SystemdDissectKnowsWhatEachPartitionIs) {
    if (::geteuid() != 0) GTEST_SKIP() << "NOT JUDGED: systemd-dissect attaches a loop device, which only root can; run this ring as root";
    const auto answer = run({.argv = {"systemd-dissect", "--json=short", "--root-hash=" + shown.root_hash, shown.disk.native()}});
    ASSERT_TRUE(answer.ok()) << answer.errors;
    const auto found = parse_json(answer.output, "systemd-dissect");
    std::map<std::string, Json> by_designator;
    for (const auto& mount : found.at("mounts")) by_designator.emplace(mount.at("designator").get<std::string>(), mount);
    ASSERT_EQ(by_designator.size(), 3U) << answer.output;
    EXPECT_EQ(by_designator.at("esp").at("fstype"), "vfat");
    EXPECT_EQ(by_designator.at("root").at("fstype"), "erofs");
    EXPECT_EQ(by_designator.at("root").at("architecture"), "x86-64");
    EXPECT_EQ(by_designator.at("root").at("verity"), "yes");
    EXPECT_EQ(by_designator.at("root-verity").at("fstype"), "DM_verity_hash");
    EXPECT_EQ(by_designator.at("root").at("partition_uuid"), shown.table.partitions.at(1).id.text());
    EXPECT_EQ(found.at("useBootableUefi"), true);
    EXPECT_THAT(answer.output, HasSubstr(fmt::format("\"VARIANT_ID={}\"", GetParam())));
}

INSTANTIATE_TEST_SUITE_P(Images, Judge, testing::Values("probe", "base"), [](const auto& instance) { return std::string(instance.param); });

// ---- Units, judged by the systemd-analyze of the image itself ----

// Runs in the root of base with its own /dev, /proc and /run; works for ordinary users too.
Outcome analyze(const fs::path& root, const fs::path& subject, const std::vector<std::string>& units) {
    const std::string script = "mount --rbind /dev \"$1/dev\" && mount -t proc proc \"$1/proc\" && mount -t tmpfs tmpfs \"$1/run\" &&"
                               "if [ \"$2\" != / ]; then mount --rbind /dev \"$1/$2/dev\"; fi &&"
                               "SYSTEMD_LOG_TARGET=console chroot \"$1\" systemd-analyze --root=\"$2\" verify --man=no $3";
    return run({.argv = {"unshare", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", script, "sh", root.native(), subject.native(), join(units, " ")}});
}

// Silence is the praise: what it does not understand it says, and only what makes a unit fail ends with 1.
void expect_praise(const Outcome& answer) {
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_EQ(answer.output + answer.errors, "");
}

TEST(JudgeOfUnits, SystemdAnalyzeFindsNoFaultInThoseOfTheBase) {
    expect_praise(analyze(exhibit("base").root(), "/",
                          {"default.target", "shutdown.target", "ashlar-ssh-host-key.service", "ashlar-status.service", "ashlard.service", "ashlar-install.service", "ssh.service",
                           "chrony.service", "nftables.service", "systemd-networkd.service", "systemd-resolved.service"}));
}

TEST(JudgeOfUnits, SystemdAnalyzeFindsNoFaultInThoseOfTheInitrd) {
    const auto& base = exhibit("base");
    const auto uki = read_file(Lab::get().base_of("base").native() + ".efi");
    write_file(base.path("initrd"), text_of(*read_uki(bytes_of(uki), "uki").initrd));
    fs::create_directories(base.root() / "mnt/initrd");
    run_checked({.argv = {"sh", "-c", "zstd -dc \"$1\" | cpio -id --quiet --directory \"$2\"", "sh", base.path("initrd"), base.root() / "mnt/initrd"}});
    expect_praise(analyze(base.root(), "/mnt/initrd",
                          {"initrd.target", "emergency.target", "ashlar-guard.service", "ashlar-early.service", "emergency.service"}));
}

// That it would have found one.
TEST(JudgeOfUnits, SystemdAnalyzeNamesAProgramThatIsNotThere) {
    const auto& base = exhibit("base");
    const auto unit = base.root() / "etc/systemd/system/broken.service";
    write_file(unit, "[Service]\nExecStart=/usr/lib/ashlar/not-there\n");
    const auto answer = analyze(base.root(), "/", {"broken.service"});
    fs::remove(unit);
    EXPECT_EQ(answer.exit_code, 1);
    EXPECT_THAT(answer.errors, HasSubstr("Command /usr/lib/ashlar/not-there is not executable: No such file or directory"));
}

} // namespace

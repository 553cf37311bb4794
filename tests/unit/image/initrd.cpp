#include "trees.hpp"

#include <image/initrd.hpp>

#include <base/process.hpp>
#include <base/text.hpp>

#include <charconv>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <map>

namespace ashlar::image {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Key;
using testing::Not;
using trees::error_of;
using trees::Forest;

// Another reader of newc archives than the writer's: what the kernel would make of it.
struct Member {
    unsigned mode = 0;
    unsigned mtime = 0;
    std::string content;
};

unsigned hexadecimal(std::string_view text) {
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return value;
}

std::map<std::string, Member> read_cpio(std::string_view archive) {
    std::map<std::string, Member> out;
    for (std::size_t at = 0;;) {
        EXPECT_EQ(archive.substr(at, 6), "070701");
        const auto field = [&](std::size_t number) { return hexadecimal(archive.substr(at + 6 + number * 8, 8)); };
        const auto name_size = field(11);
        const auto size = field(6);
        const auto name = std::string(archive.substr(at + 110, name_size - 1));
        if (name == "TRAILER!!!") return out;
        const auto content = round_up(at + 110 + name_size, 4);
        EXPECT_FALSE(out.contains(name)) << name;
        const auto parent = name.substr(0, name.rfind('/') == std::string::npos ? 0 : name.rfind('/'));
        EXPECT_TRUE(parent.empty() || out.contains(parent)) << name << " comes before its directory";
        out[name] = {field(1), field(5), std::string(archive.substr(content, size))};
        at = round_up(content + size, 4);
    }
}

class Initrd : public testing::Test {
protected:
    Initrd() {
        content.directory("")
            .directory("usr")
            .directory("usr/lib")
            .directory("usr/lib/systemd")
            .directory("usr/share")
            .directory("usr/share/doc")
            .directory("usr/lib/x86_64-linux-gnu");
        content.file("usr/lib/systemd/systemd", trees::program({"libc.so.6"}), 0755)
            .file("usr/lib/os-release", "ID=debian\n")
            .file("usr/share/doc/README", "text");
        content.file("usr/lib/x86_64-linux-gnu/libc.so.6").file("usr/lib/x86_64-linux-gnu/libunused.so.1");
        kernel.directory("usr").file("boot/vmlinuz-6.12.1", "kernel");
        kernel.file(base + "modules.order", "kernel/a.ko\nkernel/b.ko\n")
            .file(base + "modules.builtin", "kernel/nvme.ko\n")
            .file(base + "modules.builtin.modinfo", "");
        kernel.file(base + "kernel/a.ko", trees::module({"name=a", "depends=b", "firmware=vendor/a.bin"}))
            .file(base + "kernel/b.ko", trees::module({"name=b", "depends="}));
        kernel.file(base + "kernel/c.ko", trees::module({"name=c", "depends="}));
        kernel.link("usr/lib/firmware/vendor/a.bin", "real.bin").file("usr/lib/firmware/vendor/real.bin", "firmware");
    }

    InitrdSummary make(std::vector<std::string> modules, std::vector<std::string> drop = {}) {
        const auto root = content.tree();
        const auto kernel_root = kernel.tree();
        std::filesystem::remove(path());
        return make_initrd({.content = root,
                            .drop = std::move(drop),
                            .kernel_root = kernel_root,
                            .modules = std::move(modules),
                            .epoch = 1'700'000'000},
                           trees::host_tools(), path());
    }
    [[nodiscard]] std::filesystem::path path() const { return content.path() / "initrd.zst"; }
    [[nodiscard]] std::map<std::string, Member> members() const {
        return read_cpio(run_checked({.argv = {"zstd", "-dcq", path().native()}}));
    }

    const std::string base = "usr/lib/modules/6.12.1/";
    Forest content, kernel;
};

TEST_F(Initrd, HasWhatTheKernelAndSystemdLookFor) {
    make({});
    auto found = members();
    EXPECT_EQ(found["init"].content, "usr/lib/systemd/systemd");
    EXPECT_EQ(found["init"].mode & 0170000U, 0120000U);
    EXPECT_EQ(found["etc/initrd-release"].content, "../usr/lib/os-release");
    EXPECT_EQ(found["usr/lib/os-release"].content, "ID=debian\n");
    EXPECT_EQ(found["tmp"].mode, 041777U);
    EXPECT_THAT(found["etc/passwd"].content, testing::HasSubstr("root:x:0:0:"));
    EXPECT_THAT(found["etc/group"].content, testing::HasSubstr("\ndisk:x:6:\n"));
    for (const auto* directory : {"dev", "proc", "sys", "run", "sysroot"}) EXPECT_THAT(found, Contains(Key(directory)));
    for (const auto& [name, member] : found) EXPECT_EQ(member.mtime, 1'700'000'000U) << name;
}

// A device node made in the initrd keeps its group when the root's udev has taken over.
TEST_F(Initrd, GroupsHaveTheNumbersOfTheLedger) {
    make({});
    const auto ledger = read_file(ASHLAR_SOURCE_DIR "/recipes/accounts.toml");
    const auto groups = members()["etc/group"].content;
    for (const auto line : split(std::string_view(groups), '\n')) {
        if (line.empty()) continue;
        const auto fields = split(line, ':');
        const auto name = fmt::format("name = \"{}\"", fields[0]);
        const auto at = ledger.find(name);
        ASSERT_NE(at, std::string::npos) << line;
        EXPECT_THAT(ledger.substr(at, ledger.find('\n', at) - at),
                    testing::HasSubstr(fmt::format("gid = {} ", fields[2])))
            << line;
    }
}

TEST_F(Initrd, LeavesOutWhatIsDroppedAndLibrariesNobodyNeeds) {
    const auto summary = make({}, {"/usr/share/**"});
    EXPECT_THAT(summary.unused_libraries, ElementsAre("usr/lib/x86_64-linux-gnu/libunused.so.1"));
    const auto found = members();
    EXPECT_THAT(found, Not(Contains(Key("usr/share"))));
    EXPECT_THAT(found, Not(Contains(Key("usr/lib/x86_64-linux-gnu/libunused.so.1"))));
    EXPECT_THAT(found, Contains(Key("usr/lib/x86_64-linux-gnu/libc.so.6")));
}

TEST_F(Initrd, ModulesComeWithDependenciesFirmwareAndIndex) {
    const auto summary = make({"a", "nvme"});
    EXPECT_EQ(summary.kernel_version, "6.12.1");
    EXPECT_THAT(summary.modules, ElementsAre("a", "b"));
    EXPECT_THAT(summary.firmware, ElementsAre("usr/lib/firmware/vendor/a.bin"));
    EXPECT_THAT(summary.missing, IsEmpty());
    auto found = members();
    EXPECT_THAT(found,
                IsSupersetOf({Key(base + "kernel/a.ko"), Key(base + "kernel/b.ko"), Key(base + "modules.dep.bin"),
                              Key(base + "modules.alias.bin"), Key(base + "modules.softdep")}));
    EXPECT_THAT(found, Not(Contains(Key(base + "kernel/c.ko"))));
    EXPECT_THAT(found, Not(Contains(Key(base + "modules.dep"))));
    EXPECT_EQ(found["usr/lib/firmware/vendor/a.bin"].content, "real.bin");
    EXPECT_EQ(found["usr/lib/firmware/vendor/real.bin"].content, "firmware");
}

TEST_F(Initrd, CompressedModulesAreUnpacked) {
    const auto plain = trees::module({"name=d", "depends="});
    kernel.file(base + "kernel/d.ko.xz", "");
    write_file(content.path() / "d", plain);
    kernel.last().source = content.path() / "d.xz";
    run_checked({.argv = {"xz", "-k", (content.path() / "d").native()}});
    make({"d"});
    EXPECT_EQ(members()[base + "kernel/d.ko"].content, plain);
}

TEST_F(Initrd, MissingFirmwareIsToldAndNotDecided) {
    kernel.file(base + "kernel/e.ko", trees::module({"depends=", "firmware=gone.bin"}));
    EXPECT_EQ(describe(make({"e"}).missing), "module 'e' lacks gone.bin\n");
}

TEST_F(Initrd, HardLinksAndCapabilities) {
    content.directory("usr/bin").file("usr/bin/a", "program", 0755);
    content.last().xattrs["security.capability"] = "x";
    content.add({.path = "usr/bin/b", .mode = 0755, .hard_link = "usr/bin/a"});
    make({});
    auto found = members();
    EXPECT_EQ(found["usr/bin/a"].content + found["usr/bin/b"].content,
              "program"); // newc keeps the bytes with one of the names
}

TEST_F(Initrd, IsTheSameTwice) {
    make({"a"});
    const auto one = read_file(path());
    make({"a"});
    EXPECT_TRUE(one == read_file(path()));
    for (const auto& entry : std::filesystem::directory_iterator(content.path()))
        EXPECT_FALSE(entry.is_directory()) << entry.path() << " is left behind";
}

TEST_F(Initrd, WithoutInitItIsRefused) {
    EXPECT_EQ(error_of([&] { make({}, {"/usr/lib/systemd/**"}); }),
              "cannot make an initrd: neither 'init' nor 'usr/lib/systemd/systemd' is in it\n"
              "  while making the initrd\n"
              "  hint: is its package in the role, and not dropped?");
}

TEST_F(Initrd, AnInitOfItsOwnStays) {
    content.file("init", "#!/bin/busybox sh\n", 0755);
    make({}, {"/usr/lib/systemd/**"});
    EXPECT_EQ(members()["init"].content, "#!/bin/busybox sh\n");
}

TEST(Microcode, IsJoinedPerVendorUncompressed) {
    Forest forest;
    forest.file("usr/lib/firmware/intel-ucode/06-03-02", "one")
        .file("usr/lib/firmware/intel-ucode/06-8f-04", "two")
        .file("usr/lib/firmware/intel-ucode/README", "no");
    forest.file("usr/lib/firmware/amd-ucode/microcode_amd.bin", "three")
        .file("usr/lib/firmware/amd-ucode/microcode_amd.bin.asc", "no");
    const auto output = forest.path() / "microcode.cpio";
    ASSERT_TRUE(make_microcode(forest.tree(), 1'700'000'000, output));
    auto found = read_cpio(read_file(output));
    EXPECT_EQ(found["kernel/x86/microcode/GenuineIntel.bin"].content, "onetwo");
    EXPECT_EQ(found["kernel/x86/microcode/AuthenticAMD.bin"].content, "three");
}

TEST(Microcode, NoneIsAnAnswer) {
    const Forest forest;
    EXPECT_FALSE(make_microcode({}, 0, forest.path() / "microcode.cpio"));
    EXPECT_FALSE(std::filesystem::exists(forest.path() / "microcode.cpio"));
}

} // namespace
} // namespace ashlar::image

#include <base/error.hpp>
#include <base/file.hpp>
#include <pipeline/stage_key.hpp>
#include <pipeline/tree_record.hpp>
#include <pipeline/verify.hpp>

#include "disk_comparison.hpp"

#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::pipeline;
namespace fs = std::filesystem;

namespace {

EntryRecord file(std::string path, std::string_view contents, std::string package = "") {
    return {.path = std::move(path), .type = root::EntryType::file, .mode = 0644, .size = contents.size(), .package = std::move(package), .sha256 = sha256(contents)};
}

std::vector<std::string> lines(const std::vector<Difference>& differences) {
    std::vector<std::string> text;
    for (const auto& one : differences) text.push_back(one.what + " [" + one.package + "] " + one.cause);
    return text;
}

using Lines = std::vector<std::string>;

} // namespace

TEST(TreeRecord, RoundTripsThroughItsText) {
    EntryRecord link{.path = "bin", .type = root::EntryType::symlink, .mode = 0777, .mtime = 12, .target = "usr/bin", .package = "base-files"};
    EntryRecord program = file("usr/bin/ping", "elf", "iputils-ping");
    program.xattrs["security.capability"] = std::string("\x01\x00\x00\x02", 4);
    const TreeRecord record{link, program};
    EXPECT_EQ(parse_tree_record(to_text(record), "tree.json"), record);
}

TEST(TreeRecord, KeepsContentsOfAFewFiles) {
    for (const char* path : {"etc/passwd", "etc/group", "boot/config-6.12", "usr/lib/modules/6.12/config", "usr/lib/systemd/system/ssh.socket", "etc/systemd/system/x.socket"}) EXPECT_TRUE(is_kept(path)) << path;
    for (const char* path : {"etc/shadow", "etc/gshadow", "etc/passwd-", "boot/config-6.12/x", "usr/lib/modules/6.12/kernel/config", "usr/lib/systemd/system/ssh.service", "usr/lib/systemd/user/x.socket"}) EXPECT_FALSE(is_kept(path)) << path;
    const TemporaryDirectory directory(fs::temp_directory_path(), "record-");
    write_file(directory.path() / "passwd", "root:x:0:0\n");
    const root::Entry entry{.path = "etc/passwd", .mode = 0644, .size = 11, .source = directory.path() / "passwd"};
    const TreeRecord kept = record({entry});
    EXPECT_EQ(kept.at(0).contents, "root:x:0:0\n");
    EXPECT_EQ(parse_tree_record(to_text(kept), "tree.json"), kept);
}

TEST(TreeRecord, RefusesWhatItDidNotWrite) {
    EXPECT_THROW((void)parse_tree_record(R"({"format": 2, "entries": []})", "tree.json"), Error);
    EXPECT_THROW((void)parse_tree_record(R"({"format": 1, "entries": [{"path": "x"}]})", "tree.json"), Error);
    EXPECT_THROW((void)parse_tree_record("{", "tree.json"), Error);
}

TEST(Compare, SameTreesHaveNoDifference) {
    const TreeRecord tree{file("a", "1")};
    EXPECT_EQ(lines(compare(tree, tree, {})), Lines{});
}

TEST(Compare, NamesFilePackageAndCause) {
    const TemporaryDirectory overlay(fs::temp_directory_path());
    write_file(overlay.path() / "motd", "x");
    TreeRecord first{file("cache", "1"), file("lib.so", "1", "libfoo"), file("motd", "1"), file("gone", "1", "bar")};
    TreeRecord second{file("cache", "2"), file("lib.so", "2", "libfoo"), file("motd", "2"), file("new", "1")};
    EXPECT_EQ(lines(compare(first, second, {overlay.path()})),
              (Lines{"/cache [] contents differ: a maintainer script or a stage of the build makes it",
                     "/lib.so [libfoo] contents differ: it was changed after 'libfoo' was unpacked, by a script or a stage of the build",
                     "/motd [] contents differ: the overlay is not the one that was built", "/gone [bar] it is missing from the second build",
                     "/new [] it is in the second build only"}));
}

TEST(Compare, OneByteOfOneFileNamesTheFileAndItsPackage) {
    const TreeRecord built{file("usr/bin/busybox", "ELF one", "busybox-static"), file("usr/sbin/init", "#!/bin/sh", "")};
    TreeRecord damaged = built;
    damaged[0] = file("usr/bin/busybox", "ELF onf", "busybox-static");
    EXPECT_EQ(lines(compare(built, damaged, {})),
              (Lines{"/usr/bin/busybox [busybox-static] contents differ: it was changed after 'busybox-static' was unpacked, by a script or a stage of the build"}));
}

TEST(Compare, HoldsWhatAnImageHoldsAgainstItsRecord) {
    const TemporaryDirectory image(fs::temp_directory_path());
    write_file(image.path() / "same", "1");
    write_file(image.path() / "lib.so", "2");
    fs::create_symlink("same", image.path() / "link");
    const TreeRecord record{file("gone", "1", "bar"), file("lib.so", "1", "libfoo"), file("link", "1"), file("same", "1", "libfoo")};
    EXPECT_EQ(lines(compare_contents(record, image.path())),
              (Lines{"/gone [bar] the image does not hold it: it was changed after the image was made",
                     "/lib.so [libfoo] the image holds other contents than were recorded: it was changed after the image was made",
                     "/link [] the image does not hold it: it was changed after the image was made"}));
}

TEST(Compare, TellsOwnersModesAndTimesApart) {
    EntryRecord one = file("a", "1"), two = file("a", "1");
    two.mode = 04755;
    two.uid = 102;
    two.mtime = 7;
    EXPECT_EQ(lines(compare({one}, {two}, {})), (Lines{"/a [] mode 0644, then 4755", "/a [] owner 0:0, then 102:0", "/a [] time 0, then 7"}));
}

TEST(StageKey, DependsOnEveryInputAndOnWhereItBegins) {
    const auto key = [](auto... parts) {
        StageKey made("stage", "procedure");
        (made.add("label", std::string_view(parts)), ...);
        return made.finish();
    };
    EXPECT_EQ(key("a", "b"), key("a", "b"));
    EXPECT_NE(key("a", "b"), key("ab", ""));
    EXPECT_NE(key("a"), key("a", ""));
}

TEST(StageKey, ATreeIsNamesModesLinksAndContents) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "a", "1");
    const auto key = [&] { return StageKey("stage", "procedure").add_tree("tree", dir.path()).finish(); };
    const Digest before = key();
    EXPECT_EQ(key(), before);
    fs::permissions(dir.path() / "a", fs::perms::owner_exec, fs::perm_options::add);
    const Digest executable = key();
    EXPECT_NE(executable, before);
    write_file(dir.path() / "a", "2", 0744);
    EXPECT_NE(key(), executable);
    fs::create_symlink("a", dir.path() / "b");
    EXPECT_NE(key(), executable);
}

#include "trees.hpp"

#include <image/file_system.hpp>
#include <image/identifiers.hpp>

#include <base/process.hpp>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace ashlar::image {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using trees::error_of;
using trees::Forest;

TEST(CanonicalOrder, DirectoriesThenPackagesThenTheRestThenHardLinks) {
    Forest forest;
    forest.directory("").directory("a").directory("z");
    const auto file = [&](const std::string& path, const std::string& package) {
        forest.file(path);
        forest.last().package = package;
    };
    file("a/late", "zsh");
    file("z/early", "apt");
    file("a/made", "");
    file("z/late", "zsh");
    forest.add({.path = "a/0link", .hard_link = "z/early", .package = "apt"});
    std::vector<std::string> order;
    const auto tree = forest.tree();
    for (const auto* entry : canonical_order(tree)) order.push_back(entry->path);
    EXPECT_THAT(order, ElementsAre("", "a", "z", "z/early", "a/late", "z/late", "a/made", "a/0link"));
}

// A tree with one of everything a root can hold.
class FileSystem : public testing::Test {
protected:
    FileSystem() {
        forest.directory("").directory("dev").directory("etc", 0750).directory("usr").directory("usr/bin");
        forest.file("etc/shadow", "root:*:", 0640);
        forest.last().gid = 42;
        forest.file("usr/bin/su", "set-uid program", 04755).file("usr/bin/ping", std::string(10'000, 'p'), 0755);
        using namespace std::string_literals;
        forest.last().xattrs["security.capability"] = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
        forest.last().xattrs["user.note"] = "hello";
        forest.add({.path = "usr/bin/ping6", .mode = 0755, .hard_link = "usr/bin/ping"});
        forest.link("usr/bin/sh", "dash").file("usr/bin/empty", "");
        forest.file("usr/bin/" + std::string(150, 'n'), "long name");
        forest.last().uid = 65534;
        forest.add({.path = "dev/fifo", .type = root::EntryType::fifo, .mode = 0600});
    }
    void SetUp() override {
        if (!trees::tools_root())
            GTEST_SKIP() << "mkfs.erofs 1.8 is needed: set ASHLAR_TOOLS_ROOT to a root that has it";
    }
    fs::path make(std::string_view name, FileSystemInput input = {.name = "base", .epoch = 1'700'000'000}) const {
        make_file_system(forest.tree(), input, *trees::tools_root(), forest.path() / name);
        return forest.path() / name;
    }
    // fsck.erofs writes what it finds in the image below a directory.
    [[nodiscard]] fs::path extract(const fs::path& image) const {
        const auto target = forest.path() / "extracted";
        fs::create_directory(target);
        run_checked(trees::tools_root()->command(
            {"fsck.erofs", "--extract=" + target.native(), "--preserve", "--force", image.native()}, {target},
            {image}));
        return target;
    }

    Forest forest;
};

struct stat status_of(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) throw system_error("look at", path.native());
    return status;
}

TEST_F(FileSystem, HoldsTheTreeAsRecorded) {
    const auto root = extract(make("root.erofs"));
    for (const auto& entry : forest.tree()) {
        const auto path = root / entry.path;
        const auto status = status_of(path);
        if (entry.hard_link.empty()) {
            EXPECT_EQ(status.st_uid, entry.uid) << path;
            EXPECT_EQ(status.st_gid, entry.gid) << path;
            EXPECT_EQ(status.st_mode & 07777U, entry.mode) << path;
            EXPECT_EQ(status.st_mtime, entry.mtime) << path;
        }
        if (entry.type == root::EntryType::file && entry.hard_link.empty()) {
            EXPECT_EQ(read_file(path), read_file(entry.source)) << path;
        }
    }
    EXPECT_EQ(fs::read_symlink(root / "usr/bin/sh"), "dash");
    EXPECT_EQ(read_file(root / "usr/bin/ping6"), std::string(10'000, 'p'));
    EXPECT_TRUE(S_ISFIFO(status_of(root / "dev/fifo").st_mode));
}

TEST_F(FileSystem, IsTheSameTwice) { EXPECT_TRUE(read_file(make("one")) == read_file(make("two"))); }

TEST_F(FileSystem, NeitherOrderOfTheRecordNorNameOfTheSourcesMatters) {
    const auto one = read_file(make("one"));
    Forest other("another-name-");
    for (auto entry : forest.tree()) {
        if (entry.type == root::EntryType::file && entry.hard_link.empty()) {
            const auto copy = other.path() / ("copy" + std::to_string(std::hash<std::string>{}(entry.path)));
            fs::copy_file(entry.source, copy);
            entry.source = copy;
        }
        other.add(entry);
    }
    make_file_system(other.tree(), {.name = "base", .epoch = 1'700'000'000}, *trees::tools_root(),
                     other.path() / "two");
    EXPECT_TRUE(one == read_file(other.path() / "two"));
}

TEST_F(FileSystem, SuperblockHasTimeAndIdentifier) {
    const auto image = make("root.erofs");
    const auto dump = run_checked(trees::tools_root()->command({"dump.erofs", "-s", image.native()}, {}, {image}));
    EXPECT_THAT(dump, HasSubstr("Tue Nov 14 22:13:20 2023"));
    EXPECT_THAT(dump, HasSubstr(guid_named("erofs:base").text()));
    EXPECT_EQ(fs::file_size(image) % 4096, 0U);
}

// Attributes are read by the kernel's own driver, where the machine lets us mount: else from the bytes.
TEST_F(FileSystem, XattrsAreInTheImage) {
    const auto bytes = read_file(make("root.erofs"));
    using namespace std::string_literals;
    EXPECT_THAT(bytes, HasSubstr("capability\x01\0\0\x02\0\x20\0\0"s));
    EXPECT_THAT(bytes, HasSubstr("notehello"));
}

// No user namespace may make a device node, so that none can be extracted.
TEST_F(FileSystem, DevicesAreInTheImage) {
    forest.add({.path = "dev/null",
                .type = root::EntryType::character_device,
                .mode = 0666,
                .device_major = 1,
                .device_minor = 3});
    const auto image = make("root.erofs");
    const auto dump =
        run_checked(trees::tools_root()->command({"dump.erofs", "--path=/dev/null", image.native()}, {}, {image}));
    EXPECT_THAT(dump, HasSubstr("Access: 0666/rw-rw-rw-"));
    EXPECT_THAT(dump, HasSubstr("char dev"));
}

TEST_F(FileSystem, ALimitIsALimit) {
    EXPECT_EQ(error_of([&] { make("root.erofs", {.name = "base", .epoch = 0, .limit = 4096}); }),
              "cannot accept the root file system of 'base': it has 16.4 kB, the role allows 4.1 kB\n"
              "  while making the root file system of 'base'\n"
              "  hint: raise limits.root, or drop packages or paths from the role");
}

TEST_F(FileSystem, AFileThatChangedMeanwhileIsAnError) {
    forest.file("usr/bin/changed", "12345");
    write_file(forest.last().source, "123");
    EXPECT_THAT(error_of([&] { make("root.erofs"); }), HasSubstr(forest.last().source.native()));
}

} // namespace
} // namespace ashlar::image

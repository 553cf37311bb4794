#include <root/capture.hpp>

#include <root/sandbox.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <filesystem>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::root;
namespace fs = std::filesystem;
using testing::ElementsAre;

namespace {

constexpr std::int64_t epoch = 1700000000;

class Capture : public testing::Test {
protected:
    void file(const std::string& name, std::string_view text = "x", unsigned mode = 0644) const {
        fs::create_directories((root / name).parent_path());
        write_file(root / name, text, mode);
    }
    [[nodiscard]] Entry entry(const std::string& path) const {
        for (const auto& found : capture(root, epoch))
            if (found.path == path) return found;
        throw Error("no entry '" + path + "'");
    }

    TemporaryDirectory directory{"/tmp", "capture-"};
    fs::path root = directory.path();
};

} // namespace

TEST_F(Capture, IsSortedByBytesWithParentsFirst) {
    for (const char* name : {"a/b", "a-b", "B", "a/b.d/c"}) file(name);
    std::vector<std::string> paths;
    for (const auto& found : capture(root, epoch)) paths.push_back(found.path);
    EXPECT_THAT(paths, ElementsAre("", "B", "a", "a-b", "a/b", "a/b.d", "a/b.d/c"));
}

TEST_F(Capture, RecordsOwnerModeSizeAndSource) {
    file("f", "hello");
    ::chown((root / "f").c_str(), 33, 64045);
    ::chmod((root / "f").c_str(), 06755);
    const Entry found = entry("f");
    EXPECT_EQ(found.type, EntryType::file);
    EXPECT_EQ(found.mode, 06755U);
    EXPECT_EQ(found.uid, 33U);
    EXPECT_EQ(found.gid, 64045U);
    EXPECT_EQ(found.size, 5U);
    EXPECT_EQ(found.source, root / "f");
}

TEST_F(Capture, ClampsTimes) {
    file("new");
    file("old");
    const timespec old[2] = {{1000, 5}, {1000, 5}};
    ::utimensat(AT_FDCWD, (root / "old").c_str(), old, 0);
    EXPECT_EQ(entry("new").mtime, epoch);
    EXPECT_EQ(entry("old").mtime, 1000);
}

TEST_F(Capture, KnowsLinks) {
    file("z");
    fs::create_hard_link(root / "z", root / "b");
    fs::create_symlink("nowhere", root / "s");
    EXPECT_EQ(entry("b").hard_link, "");
    EXPECT_EQ(entry("z").hard_link, "b");
    EXPECT_EQ(entry("s").target, "nowhere");
    EXPECT_EQ(entry("s").mode, 0777U);
}

TEST_F(Capture, ReadsCapabilitiesInTheFormOfAnImage) {
    file("ping");
    // cap_net_raw+ep, version 2 (linux/capability.h), little-endian.
    const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    ASSERT_EQ(::setxattr((root / "ping").c_str(), "security.capability", capability, sizeof capability, 0), 0);
    const Entry found = entry("ping");
    ASSERT_TRUE(found.xattrs.contains("security.capability"));
    EXPECT_EQ(found.xattrs.at("security.capability"), std::string(reinterpret_cast<const char*>(capability), sizeof capability));
}

TEST_F(Capture, DoesNotShowTheOverlayBelow) {
    for (const char* name : {"lower/d", "upper", "work", "merged"}) fs::create_directories(root / name);
    file("lower/d/file");
    const OverlayMount overlay({root / "lower"}, root / "upper", root / "work", root / "merged");
    fs::remove_all(overlay.path() / "d");
    fs::create_directory(overlay.path() / "d");
    const Tree tree = capture(overlay.path(), epoch);
    ASSERT_EQ(tree.size(), 2U);
    EXPECT_EQ(tree[1].path, "d");
    EXPECT_TRUE(tree[1].xattrs.empty());
}

TEST_F(Capture, NamesPackages) {
    file("var/lib/dpkg/status", "Package: app\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n");
    file("var/lib/dpkg/info/app.list", "/.\n/bin\n/bin/app\n/usr/lib/app\n/usr/lib/app/m.py\n");
    fs::create_directories(root / "usr/bin");
    fs::create_directory_symlink("usr/bin", root / "bin");
    file("usr/bin/app");
    file("usr/lib/app/m.py");
    file("usr/lib/app/__pycache__/m.cpython-313.pyc");
    file("usr/lib/app/__pycache__/other.cpython-313.pyc");
    EXPECT_EQ(entry("usr/bin/app").package, "app");
    EXPECT_EQ(entry("usr/lib/app/__pycache__").package, "app");
    EXPECT_EQ(entry("usr/lib/app/__pycache__/m.cpython-313.pyc").package, "app");
    EXPECT_EQ(entry("usr/lib/app/__pycache__/other.cpython-313.pyc").package, "");
    EXPECT_EQ(entry("var").package, "");
}

TEST_F(Capture, ASocketIsAnError) {
    const Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string path = (root / "s").native();
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_THROW((void)capture(root, epoch), Error);
}

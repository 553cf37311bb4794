// Directories as one file: everything comes back, and nothing comes to lie outside.

#include <archive/tree.hpp>

#include <archive/tar.hpp>
#include <base/error.hpp>

#include <fcntl.h>
#include <functional>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::archive;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

namespace {

struct TreeTest : testing::Test {
    TreeTest() { fs::create_directory(out); }

    // A stream that another program wrote.
    fs::path stream(const std::function<void(TarWriter&)>& body) const {
        const fs::path path = dir.path() / "stream";
        const Fd file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
        TarWriter writer(file.get(), path.native());
        body(writer);
        writer.finish();
        return path;
    }
    std::string refusal(const fs::path& file, std::uint64_t limit = 1 << 20) const {
        try {
            unpack_tree(file, out, limit);
            return "accepted";
        } catch (const Error& error) {
            return error.message();
        }
    }
    std::string refusal_of(const std::vector<TarEntry>& entries) const {
        return refusal(stream([&](TarWriter& writer) {
            for (const auto& entry : entries) writer.add(entry);
        }));
    }
    [[nodiscard]] std::string name() const { return (dir.path() / "stream").native(); }

    TemporaryDirectory dir{fs::temp_directory_path()};
    fs::path out = dir.path() / "out";
};

} // namespace

TEST_F(TreeTest, ComesBackAsItWas) {
    const fs::path in = dir.path() / "in";
    fs::create_directories(in / "usr/bin");
    write_file(in / "usr/bin/su", std::string(100'000, 's'));
    fs::permissions(in / "usr/bin/su", fs::perms(04755));
    fs::create_hard_link(in / "usr/bin/su", in / "usr/bin/su2");
    fs::create_symlink("../usr/bin", in / "bin");
    write_file(in / "a name\nof two lines", "x");
    const bool attributes = ::setxattr((in / "usr/bin/su").c_str(), "user.note", "\0\1", 2, 0) == 0; // not on every file system
    pack_tree(in, dir.path() / "packed");
    pack_tree(in, dir.path() / "again");
    EXPECT_EQ(read_file(dir.path() / "packed"), read_file(dir.path() / "again"));
    EXPECT_FALSE(fs::exists(dir.path() / "packed.tar"));

    unpack_tree(dir.path() / "packed", out);
    EXPECT_EQ(read_file(out / "usr/bin/su"), std::string(100'000, 's'));
    EXPECT_EQ(fs::status(out / "usr/bin/su").permissions(), fs::perms(04755));
    EXPECT_TRUE(fs::equivalent(out / "usr/bin/su", out / "usr/bin/su2"));
    EXPECT_EQ(fs::read_symlink(out / "bin"), "../usr/bin");
    EXPECT_EQ(read_file(out / "a name\nof two lines"), "x");
    if (attributes) {
        std::string value(2, 'x');
        EXPECT_EQ(::getxattr((out / "usr/bin/su").c_str(), "user.note", value.data(), 2), 2);
        EXPECT_EQ(value, std::string("\0\1", 2));
    }
}

TEST_F(TreeTest, NothingComesToLieOutside) {
    const std::string place = "cannot unpack '" + name() + "': an entry is named '";
    EXPECT_EQ(refusal_of({{.path = "../x"}}), place + "../x'");
    EXPECT_EQ(refusal_of({{.path = "a/../../x"}}), place + "a/../../x'");
    EXPECT_EQ(refusal_of({{.path = "/x"}}), place + "/x'");
    EXPECT_EQ(refusal_of({{.path = "hard", .type = TarType::hard_link, .target = "../secret"}}), place + "../secret'");
    EXPECT_EQ(refusal_of({{.path = "hard", .type = TarType::hard_link, .target = "/etc/passwd"}}), place + "/etc/passwd'");
    fs::create_directory(dir.path() / "elsewhere");
    const std::string through = refusal_of({{.path = "link", .type = TarType::symlink, .mode = 0777, .target = "../elsewhere"}, {.path = "link/x", .mode = 0644}});
    EXPECT_THAT(through, StartsWith("cannot unpack '" + name() + "': "));
    EXPECT_TRUE(fs::is_empty(dir.path() / "elsewhere"));
    EXPECT_FALSE(fs::exists(dir.path() / "x"));
}

TEST_F(TreeTest, NothingIsWrittenOverAndNotMoreThanAllowed) {
    EXPECT_THAT(refusal(stream([](TarWriter& writer) {
                    writer.add({.path = "a", .mode = 0644}, "first");
                    writer.add({.path = "a", .mode = 0644}, "second");
                })),
                StartsWith("cannot unpack '" + name() + "': "));
    EXPECT_EQ(read_file(out / "a"), "first");
    EXPECT_EQ(refusal(stream([](TarWriter& writer) { writer.add({.path = "b", .mode = 0644}, std::string(100, 'b')); }), 99),
              "cannot unpack '" + name() + "': it has more than it may have");
}

TEST_F(TreeTest, WhatIsNoArchiveIsRefused) {
    write_file(dir.path() / "stream", "junk");
    EXPECT_EQ(refusal(dir.path() / "stream"), "cannot read '" + name() + "': Unrecognized archive format");
    EXPECT_THAT(refusal(dir.path() / "nowhere"), StartsWith("cannot read '" + (dir.path() / "nowhere").native() + "': "));
    const std::string whole = read_file(stream([](TarWriter& writer) { writer.add({.path = "b", .mode = 0644}, std::string(5000, 'b')); }));
    write_file(dir.path() / "stream", whole.substr(0, 3000));
    EXPECT_THAT(refusal(dir.path() / "stream"), HasSubstr("runcated"));
}

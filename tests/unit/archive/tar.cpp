#include <archive/tar.hpp>

#include <base/error.hpp>
#include <base/process.hpp>
#include <signing/digest.hpp>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

using namespace ashlar;
using archive::TarEntry;
using archive::TarType;
using archive::TarWriter;
namespace fs = std::filesystem;

namespace {

class TarTest : public testing::Test {
protected:
    template <typename Fill> fs::path pack(Fill fill) {
        const fs::path path = dir_.path() / "out.tar";
        Fd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
        TarWriter writer(fd.get(), path);
        fill(writer);
        writer.finish();
        fd.close();
        return path;
    }
    // GNU tar is the judge.
    std::string list(const fs::path& tar) {
        return run_checked(
            {.argv = {"tar", "--utc", "--full-time", "--numeric-owner", "--quoting-style=literal", "-tvf", tar}});
    }

    TemporaryDirectory dir_{fs::temp_directory_path()};
};

} // namespace

TEST_F(TarTest, GnuTarReadsEveryKindOfEntry) {
    const fs::path tar = pack([](TarWriter& writer) {
        writer.add({.path = "", .type = TarType::directory, .mode = 0755, .mtime = 86400});
        writer.add({.path = "usr", .type = TarType::directory, .mode = 01777, .uid = 5, .gid = 60000, .mtime = 1});
        writer.add({.path = "usr/f", .mode = 04755, .mtime = 2}, "hello");
        writer.add({.path = "usr/h", .type = TarType::hard_link, .mode = 04755, .mtime = 2, .target = "usr/f"});
        writer.add({.path = "usr/s", .type = TarType::symlink, .mode = 0777, .mtime = 3, .target = "../x"});
        writer.add(
            {.path = "c", .type = TarType::character_device, .mode = 0600, .device_major = 1, .device_minor = 3});
        writer.add({.path = "p", .type = TarType::fifo, .mode = 0644});
    });
    EXPECT_EQ(list(tar), "drwxr-xr-x 0/0               0 1970-01-02 00:00:00 ./\n"
                         "drwxrwxrwt 5/60000           0 1970-01-01 00:00:01 usr/\n"
                         "-rwsr-xr-x 0/0               5 1970-01-01 00:00:02 usr/f\n"
                         "hrwsr-xr-x 0/0               0 1970-01-01 00:00:02 usr/h link to usr/f\n"
                         "lrwxrwxrwx 0/0               0 1970-01-01 00:00:03 usr/s -> ../x\n"
                         "crw------- 0/0             1,3 1970-01-01 00:00:00 c\n"
                         "prw-r--r-- 0/0               0 1970-01-01 00:00:00 p\n");
    EXPECT_EQ(fs::file_size(tar) % 10240, 0U);
}

TEST_F(TarTest, WhatUstarCannotHoldGoesIntoAPaxHeader) {
    const std::string deep = std::string(60, 'a') + "/" + std::string(60, 'b') + "/\xc3\xa4 \n";
    const std::string target(200, 't');
    const fs::path tar = pack([&](TarWriter& writer) {
        writer.add({.path = deep, .mode = 0644, .uid = 4000000000, .gid = 2097152, .mtime = -5}, "x");
        writer.add({.path = "l", .type = TarType::symlink, .mode = 0777, .mtime = 20000000000, .target = target});
    });
    EXPECT_EQ(list(tar), "-rw-r--r-- 4000000000/2097152 1 1969-12-31 23:59:55 " + deep + "\n" +
                             "lrwxrwxrwx 0/0                0 2603-10-11 11:33:20 l -> " + target + "\n");
}

TEST_F(TarTest, ALengthThatGrowsByCountingItselfIsRight) {
    // From two to three digits.
    for (std::size_t length = 60; length < 130; ++length) {
        const std::string value(length, 'v');
        const fs::path tar = pack([&](TarWriter& writer) {
            writer.add({.path = "f", .mode = 0644, .xattrs = {{"user.a", value}}}, "x");
        });
        EXPECT_EQ(run({.argv = {"tar", "-tf", tar}}).errors, "") << length;
    }
}

TEST_F(TarTest, CapabilitiesArriveInTheFileSystem) {
    const std::string capability("\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                                 20);
    const fs::path tar = pack([&](TarWriter& writer) {
        writer.add({.path = "ping", .mode = 0755, .xattrs = {{"security.capability", capability}}}, "x");
    });
    run_checked({.argv = {"tar", "--xattrs", "--xattrs-include=*", "-xf", tar, "-C", dir_.path()}});
    std::string got(64, '\0');
    const ssize_t size = ::getxattr((dir_.path() / "ping").c_str(), "security.capability", got.data(), got.size());
    ASSERT_GE(size, 0) << "needs root and a file system with attributes";
    EXPECT_EQ(got.substr(0, static_cast<std::size_t>(size)), capability);
}

TEST_F(TarTest, FilesAreCopiedWhole) {
    // Around the block size and the buffer size.
    for (const std::size_t size : {0UL, 1UL, 511UL, 512UL, 513UL, (1UL << 20) - 512, 1UL << 20, (3UL << 20) + 7}) {
        std::string content;
        for (std::size_t i = 0; i < size; ++i) content += static_cast<char>(i * 31 % 251);
        write_file(dir_.path() / "in", content);
        const fs::path tar = pack([&](TarWriter& writer) {
            writer.add({.path = "before", .mode = 0644}, "b");
            writer.add_file({.path = "f", .mode = 0644, .size = size}, dir_.path() / "in");
            writer.add({.path = "after", .mode = 0644}, "a");
        });
        EXPECT_EQ(sha256(run_checked({.argv = {"tar", "-xOf", tar, "f"}})), sha256(content)) << size;
        EXPECT_EQ(run_checked({.argv = {"tar", "-xOf", tar, "after"}}), "a") << size;
    }
}

TEST_F(TarTest, AFileOfAnotherSizeIsAnError) {
    const fs::path in = dir_.path() / "in";
    write_file(in, "12345");
    const auto message = [&](std::uint64_t size) -> std::string {
        try {
            pack([&](TarWriter& writer) { writer.add_file({.path = "f", .size = size}, in); });
        } catch (const Error& error) {
            return error.message();
        }
        return {};
    };
    EXPECT_EQ(message(5), "");
    EXPECT_EQ(message(6), "cannot copy '" + in.native() + "': it is shorter than the 6 bytes announced");
    EXPECT_EQ(message(4), "cannot copy '" + in.native() + "': it is longer than the 4 bytes announced");
}

TEST_F(TarTest, BytesAreFixed) {
    // Whoever changes this changes the bytes of every tar that was ever made: think twice.
    const fs::path tar = pack([](TarWriter& writer) {
        writer.add({.path = "", .type = TarType::directory, .mode = 0755, .mtime = 1700000000});
        writer.add({.path = "a", .mode = 0644, .mtime = 1700000000, .xattrs = {{"user.k", "v"}}}, "content\n");
    });
    EXPECT_EQ(sha256_of_file(tar).hex(), "ac52ecdbbedc258a66044335b89c5e52d71a55e74be4ce0812d8fc60ef2c3b06");
}

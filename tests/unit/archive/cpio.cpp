#include <archive/cpio.hpp>

#include <base/error.hpp>
#include <base/process.hpp>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

using namespace ashlar;
using archive::CpioWriter;
using archive::TarEntry;
using archive::TarType;
namespace fs = std::filesystem;

namespace {

class CpioTest : public testing::Test {
protected:
    template <typename Fill> fs::path pack(Fill fill, std::string_view name = "out.cpio") {
        const fs::path path = dir_.path() / name;
        Fd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
        CpioWriter writer(fd.get(), path);
        fill(writer);
        writer.finish();
        fd.close();
        return path;
    }
    // libarchive's own tool and GNU cpio, two independent readers.
    std::string list(const fs::path& cpio) {
        return run_checked({.argv = {"cpio", "--quiet", "-tvn"},
                            .environment = {{{"TZ", "UTC"}, {"PATH", "/usr/bin:/bin"}}},
                            .input = read_file(cpio)});
    }
    std::string failure(const TarEntry& entry) {
        try {
            pack([&](CpioWriter& writer) { writer.add(entry); });
        } catch (const Error& error) {
            return error.message();
        }
        return {};
    }

    TemporaryDirectory dir_{fs::temp_directory_path()};
};

} // namespace

TEST_F(CpioTest, CpioReadsEveryKindOfEntry) {
    const fs::path cpio = pack([](CpioWriter& writer) {
        writer.add({.path = "", .type = TarType::directory, .mode = 0755});
        writer.add({.path = "bin", .type = TarType::symlink, .mode = 0777, .target = "usr/bin"});
        writer.add(
            {.path = "c", .type = TarType::character_device, .mode = 0600, .device_major = 5, .device_minor = 1});
        writer.add({.path = "f", .mode = 0755, .uid = 7, .gid = 8, .links = 2}, "hello");
        writer.add({.path = "g", .type = TarType::hard_link, .mode = 0755, .uid = 7, .gid = 8, .target = "f"});
    });
    EXPECT_EQ(list(cpio), "drwxr-xr-x   2 0        0               0 Jan  1  1970 .\n"
                          "lrwxrwxrwx   1 0        0               7 Jan  1  1970 bin -> usr/bin\n"
                          "crw-------   1 0        0          5,   1 Jan  1  1970 c\n"
                          "-rwxr-xr-x   2 7        8               5 Jan  1  1970 f\n"
                          "-rwxr-xr-x   2 7        8               0 Jan  1  1970 g\n");
    EXPECT_EQ(fs::file_size(cpio) % 512, 0U);

    fs::create_directory(dir_.path() / "x");
    run_checked({.argv = {"cpio", "--quiet", "-id"}, .directory = dir_.path() / "x", .input = read_file(cpio)});
    struct stat f {
    }, g{};
    ASSERT_EQ(::stat((dir_.path() / "x/f").c_str(), &f), 0);
    ASSERT_EQ(::stat((dir_.path() / "x/g").c_str(), &g), 0);
    EXPECT_EQ(f.st_ino, g.st_ino);
    EXPECT_EQ(read_file(dir_.path() / "x/g"), "hello");
}

TEST_F(CpioTest, WhatHasNoRoomIsRefused) {
    EXPECT_EQ(failure({.path = "f", .xattrs = {{"security.capability", "x"}}}),
              "cannot pack 'f': a cpio archive has no room for the attribute 'security.capability'");
    EXPECT_EQ(failure({.path = "f", .mtime = -1}), "cannot pack 'f': a cpio archive has no room for its time");
    EXPECT_EQ(failure({.path = "f", .mtime = 4294967296}), "cannot pack 'f': a cpio archive has no room for its time");
    EXPECT_EQ(failure({.path = "g", .type = TarType::hard_link, .target = "f"}),
              "cannot pack 'g': 'f', which it links to, was not packed before with its links counted");
}

TEST_F(CpioTest, TwoRunsGiveTheSameBytes) {
    const auto fill = [](CpioWriter& writer) {
        for (int i = 0; i < 100; ++i)
            writer.add({.path = "f" + std::to_string(i), .mode = 0644, .mtime = 1700000000},
                       std::string(static_cast<std::size_t>(i), 'x'));
    };
    EXPECT_EQ(read_file(pack(fill, "one")), read_file(pack(fill, "two")));
}

TEST_F(CpioTest, MicrocodeComesFirstAndAligned) {
    write_file(dir_.path() / "amd", "microcode");
    archive::write_microcode({{"AuthenticAMD", dir_.path() / "amd"}}, 1700000000, dir_.path() / "early");
    EXPECT_THAT(list(dir_.path() / "early"),
                testing::HasSubstr("9 Nov 14  2023 kernel/x86/microcode/AuthenticAMD.bin"));
    write_file(dir_.path() / "odd", "12345");
    archive::concatenate(std::vector{dir_.path() / "odd", dir_.path() / "early", dir_.path() / "odd"},
                         dir_.path() / "initrd");
    EXPECT_EQ(read_file(dir_.path() / "initrd"),
              std::string("12345\0\0\0", 8) + read_file(dir_.path() / "early") + std::string("12345\0\0\0", 8));
}

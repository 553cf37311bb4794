#include <archive/deb.hpp>
#include <archive/deb_writer.hpp>

#include <base/error.hpp>
#include <base/process.hpp>
#include <handmade_deb.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::handmade;
using archive::Deb;
using archive::DebEntry;
using archive::DebEntryType;
using archive::TarType;
namespace fs = std::filesystem;

namespace {

const char* const toy_control =
    "Package: toy\nVersion: 1\nArchitecture: all\nMaintainer: Toy <toy@example.org>\nDescription: toy\n";

struct Recorder : archive::DataVisitor {
    void entry(const DebEntry& entry) override { entries.push_back(entry); }
    void contents(std::span<const std::byte> bytes) override {
        text[entries.back().path].append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::vector<DebEntry> entries;
    std::map<std::string, std::string> text;
};

class DebTest : public testing::Test {
protected:
    fs::path write(const std::string& bytes) {
        write_file(dir_.path() / "x.deb", bytes);
        return dir_.path() / "x.deb";
    }
    // What reading it all says after "cannot read '<path>': "; "" when it says nothing.
    std::string complaint(const std::string& bytes, std::uint64_t limit = 1 << 20) {
        const fs::path path = write(bytes);
        try {
            Recorder recorder;
            Deb(path).read_data(recorder, limit);
        } catch (const Error& error) {
            const std::string start = "cannot read '" + path.native() + "': ";
            EXPECT_THAT(error.message(), testing::StartsWith(start));
            return error.message().substr(start.size());
        }
        return {};
    }

    TemporaryDirectory dir_{fs::temp_directory_path()};
};

const std::string binary = "2.0\n";

} // namespace

TEST_F(DebTest, ReadsWhatDpkgDebBuilds) {
    const fs::path tree = dir_.path() / "tree";
    fs::create_directories(tree / "DEBIAN");
    fs::create_directories(tree / "usr/share");
    write_file(tree / "DEBIAN/control", toy_control);
    write_file(tree / "DEBIAN/postinst", "#!/bin/sh\n", 0755);
    const std::string big(300000, 'b');
    write_file(tree / "usr/share/big", big, 04755);
    const std::string long_name = "usr/share/" + std::string(200, 'n') + "\xc5\x91";
    write_file(tree / long_name, "long");
    fs::create_symlink("/etc/alternatives/x", tree / "usr/link");
    fs::create_hard_link(tree / "usr/share/big", tree / "usr/share/hard");

    for (const std::string compressor : {"xz", "gzip", "zstd", "none"}) {
        const fs::path path = dir_.path() / (compressor + ".deb");
        run_checked({.argv = {"dpkg-deb", "-Z" + compressor, "--root-owner-group", "--build", tree, path},
                     .environment = {{{"SOURCE_DATE_EPOCH", "1700000000"}, {"PATH", "/usr/bin:/bin"}}}});
        const Deb deb(path);
        EXPECT_EQ(deb.control().size(), 2U);
        EXPECT_EQ(deb.control().at("control").text, toy_control);
        EXPECT_EQ(deb.control().at("postinst").mode, 0755U);
        Recorder recorder;
        deb.read_data(recorder);
        std::map<std::string, DebEntry> entries;
        for (const DebEntry& entry : recorder.entries) entries[entry.path] = entry;
        EXPECT_EQ(entries.size(), 7U) << compressor;
        EXPECT_EQ(entries[""].type, DebEntryType::directory);
        EXPECT_EQ(entries["usr/share/big"].mode, 04755U);
        EXPECT_EQ(entries["usr/share/big"].mtime, 1700000000);
        EXPECT_EQ(entries["usr/link"].target, "/etc/alternatives/x");
        EXPECT_EQ(entries["usr/share/hard"].type, DebEntryType::hard_link);
        EXPECT_EQ(entries["usr/share/hard"].target, "usr/share/big");
        EXPECT_EQ(recorder.text["usr/share/big"], big);
        EXPECT_EQ(recorder.text[long_name], "long");
    }
}

TEST_F(DebTest, WhatItWritesDpkgDebReads) {
    write_file(dir_.path() / "source", "from a file\n");
    archive::DebContents contents{
        .control = {{"control", {toy_control}}, {"postinst", {"#!/bin/sh\n", 0755}}},
        .files = {{{.path = "usr/bin/toy", .mode = 0755}, dir_.path() / "source"},
                  {{.path = "usr/lib/toy.conf", .mode = 0644}, std::string("text")},
                  {{.path = "usr/bin/alias", .type = TarType::symlink, .mode = 0777, .target = "toy"}, {}}},
        .mtime = 1700000000,
    };
    for (const auto compression : {archive::Compression::xz, archive::Compression::zstd, archive::Compression::none}) {
        contents.compression = compression;
        const fs::path path = dir_.path() / "made.deb", again = dir_.path() / "again.deb";
        archive::write_deb(path, contents);
        std::reverse(contents.files.begin(), contents.files.end());
        archive::write_deb(again, contents);
        EXPECT_EQ(read_file(path), read_file(again)) << "the order given must not count";
        EXPECT_EQ(run_checked({.argv = {"dpkg-deb", "--field", path, "Package"}}), "toy\n");
        EXPECT_EQ(run_checked({.argv = {"dpkg-deb", "--contents", path},
                               .environment = {{{"TZ", "UTC"}, {"PATH", "/usr/bin:/bin"}}}}),
                  "drwxr-xr-x 0/0               0 2023-11-14 22:13 ./\n"
                  "drwxr-xr-x 0/0               0 2023-11-14 22:13 usr/\n"
                  "drwxr-xr-x 0/0               0 2023-11-14 22:13 usr/bin/\n"
                  "lrwxrwxrwx 0/0               0 2023-11-14 22:13 usr/bin/alias -> toy\n"
                  "-rwxr-xr-x 0/0              12 2023-11-14 22:13 usr/bin/toy\n"
                  "drwxr-xr-x 0/0               0 2023-11-14 22:13 usr/lib/\n"
                  "-rw-r--r-- 0/0               4 2023-11-14 22:13 usr/lib/toy.conf\n");
        Recorder recorder;
        const Deb deb(path);
        deb.read_data(recorder);
        EXPECT_EQ(deb.control().at("postinst").mode, 0755U);
        EXPECT_EQ(recorder.text["usr/bin/toy"], "from a file\n");
        fs::remove(path);
        fs::remove(again);
    }
}

TEST_F(DebTest, TheTableOfMembersMustBeInOrder) {
    const std::string control = control_tar(toy_control), data = tar({});
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}, {"control.tar", control}, {"data.tar", data}})), "");
    EXPECT_EQ(complaint(ar({{"debian-binary/", binary},
                            {"_gpgorigin", "x"},
                            {"control.tar/", control},
                            {"data.tar/", data},
                            {"_x", ""}})),
              "");
    EXPECT_EQ(complaint(""), "it is not a Debian package");
    EXPECT_EQ(complaint("!<arch>\n"), "it has no member 'debian-binary'");
    EXPECT_EQ(complaint(ar({{"control.tar", control}})), "its first member is not 'debian-binary'");
    EXPECT_EQ(complaint(ar({{"debian-binary", "3.0\n"}})), "its format is not version 2");
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}})), "it has no member 'control.tar'");
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}, {"control.tar", control}})), "it has no member 'data.tar'");
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}, {"data.tar", data}, {"control.tar", control}})),
              "'data.tar' comes before 'control.tar'");
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}, {"control.tar", control}, {"control.tar.xz", control}})),
              "it has 'control.tar' twice");
    EXPECT_EQ(
        complaint(ar({{"debian-binary", binary}, {"control.tar", control}, {"data.tar", data}, {"data.tar", data}})),
        "it has 'data.tar' twice");
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}, {"control.tar", control}, {"extra", data}})),
              "it has the unknown member 'extra'");
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}, {"control.tar", control}}) + std::string(60, 'x')),
              "its table of members is damaged");
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}, {"control.tar", control}}) + "data.tar"), "it is truncated");
}

TEST_F(DebTest, ATruncatedPackageIsRefusedWhereverItEnds) {
    const std::string whole = deb({{{.path = "f", .mode = 0644}, std::string(2000, 'x')}});
    ASSERT_EQ(complaint(whole), "");
    for (std::size_t size = 0; size < whole.size(); size += 97) EXPECT_NE(complaint(whole.substr(0, size)), "") << size;
    EXPECT_EQ(complaint(whole.substr(0, whole.size() - 1)), "it is truncated inside 'data.tar'");
}

TEST_F(DebTest, AMemberLargerThanItsTarIsRefused) {
    // The file says 2,000 bytes; the member ends before.
    const std::string data = tar({{{.path = "f", .mode = 0644}, std::string(2000, 'x')}}).substr(0, 1024);
    EXPECT_EQ(complaint(ar({{"debian-binary", binary}, {"control.tar", control_tar(toy_control)}, {"data.tar", data}})),
              "Truncated tar archive");
}

TEST_F(DebTest, ControlMembersMustBePlainAndUnique) {
    const auto with_control = [](const Files& files) {
        return ar({{"debian-binary", binary}, {"control.tar", tar(files)}, {"data.tar", tar({})}});
    };
    const archive::TarEntry control{.path = "control", .mode = 0644};
    EXPECT_EQ(complaint(with_control({})), "it has no control member 'control'");
    EXPECT_EQ(complaint(with_control({{control, "a"}, {control, "b"}})), "it has the control member 'control' twice");
    EXPECT_EQ(complaint(with_control({{{.path = "a/b"}, ""}})), "its control member 'a/b' is not a plain file");
    EXPECT_EQ(complaint(with_control({{{.path = "postinst", .type = TarType::symlink, .target = "/etc/shadow"}, ""}})),
              "its control member 'postinst' is not a plain file");
    EXPECT_EQ(complaint(with_control({{{.path = "../x"}, ""}})), "its entry '../x' leads out of the root");
}

TEST_F(DebTest, PathsThatLeadElsewhereAreRefused) {
    const auto with_path = [&](const std::string& path) {
        return complaint(deb({{{.path = path, .mode = 0644}, "x"}}));
    };
    EXPECT_EQ(with_path("usr/x"), "");
    EXPECT_EQ(with_path("./usr/x"), "");
    EXPECT_EQ(with_path("../x"), "its entry '../x' leads out of the root");
    EXPECT_EQ(with_path("usr/../../x"), "its entry 'usr/../../x' leads out of the root");
    EXPECT_EQ(with_path("/etc/passwd"), "its entry '/etc/passwd' is absolute");
    EXPECT_EQ(with_path(".//etc/passwd"), "its entry './/etc/passwd' is absolute");
    EXPECT_EQ(with_path("usr//x"), "its entry 'usr//x' is not written in its shortest form");
    EXPECT_EQ(with_path("usr/./x"), "its entry 'usr/./x' is not written in its shortest form");
    EXPECT_EQ(with_path("a\nb"), "its entry 'a\nb' has a newline in its name");
    EXPECT_EQ(with_path("usr/" + std::string(256, 'n')),
              "its entry 'usr/" + std::string(256, 'n') + "' has too long a name");
    EXPECT_EQ(complaint(deb({{{.path = "h", .type = TarType::hard_link, .target = "../../etc/passwd"}, ""}})),
              "its entry '../../etc/passwd' leads out of the root");
    EXPECT_EQ(complaint(deb({{{.path = "h", .type = TarType::hard_link, .target = "/etc/passwd"}, ""}})),
              "its entry '/etc/passwd' is absolute");
    EXPECT_EQ(complaint(deb({{{.path = "s", .type = TarType::symlink, .target = ""}, ""}})),
              "its symbolic link 's' has no usable target");
    EXPECT_EQ(complaint(deb({{{.path = "", .type = TarType::symlink, .target = "x"}, ""}})),
              "its root is not a directory");
}

TEST_F(DebTest, WhatNoPackageMayBringIsRefused) {
    const auto with_type = [&](TarType type) {
        return complaint(deb({{{.path = "dev/x", .type = type, .mode = 0600}, ""}}));
    };
    EXPECT_EQ(with_type(TarType::character_device),
              "its entry 'dev/x' is a character device, which no package may bring");
    EXPECT_EQ(with_type(TarType::block_device), "its entry 'dev/x' is a block device, which no package may bring");
    EXPECT_EQ(with_type(TarType::fifo), "its entry 'dev/x' is a FIFO, which no package may bring");
    EXPECT_EQ(complaint(deb({{{.path = "f", .mode = 0644}, std::string(600, 'x')},
                             {{.path = "g", .mode = 0644}, std::string(600, 'x')}}),
                        1000),
              "more than 1000 bytes come out");
}

TEST_F(DebTest, ExtendedAttributesAreKept) {
    Recorder recorder;
    Deb(write(deb(
            {{{.path = "ping", .mode = 0755, .xattrs = {{"security.capability", std::string("\1\0\2", 3)}}}, "x"}})))
        .read_data(recorder);
    ASSERT_EQ(recorder.entries.size(), 1U);
    EXPECT_EQ(recorder.entries[0].xattrs,
              (std::map<std::string, std::string>{{"security.capability", std::string("\1\0\2", 3)}}));
}

TEST_F(DebTest, TheWriterRefusesWhatDpkgCannotRead) {
    const auto failure = [&](archive::TarEntry entry) -> std::string {
        try {
            archive::write_deb(dir_.path() / "x.deb",
                               {.control = {{"control", {toy_control}}}, .files = {{entry, {}}, {entry, {}}}});
        } catch (const Error& error) {
            return error.message();
        }
        return {};
    };
    EXPECT_EQ(failure({.path = std::string(99, 'n')}),
              "cannot pack '" + std::string(99, 'n') + "': dpkg reads no names of 99 bytes or more in this format");
    EXPECT_EQ(failure({.path = "x", .xattrs = {{"user.x", "y"}}}),
              "cannot pack 'x': dpkg reads no extended attributes");
    EXPECT_EQ(failure({.path = "x"}), "cannot pack 'x': it is there twice");
    try {
        archive::write_deb(dir_.path() / "x.deb",
                           {.control = {{"control", {toy_control}}}, .files = {{{.path = "x"}, fs::path("/none")}}});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot read '/none': No such file or directory");
    }
    EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 0) << "nothing stays behind";
}

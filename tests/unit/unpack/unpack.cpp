// dpkg is the judge: the same packages unpacked by it and by us give the same root and the same
// database.

#include <root/dpkg_database.hpp>
#include <root/unpack.hpp>

#include <archive/deb_writer.hpp>
#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <signing/digest.hpp>

#include <dpkg_database_md5.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>

using namespace ashlar;
using archive::DebFile;
using archive::TarType;
namespace fs = std::filesystem;

namespace {

struct Toy {
    std::string name;
    std::string fields = {}; // further fields of control, each with its line end
    std::vector<DebFile> files = {};
    std::map<std::string, archive::ControlMember> members = {};
    std::string architecture = "all";
};

DebFile file(std::string path, std::string text, unsigned mode = 0644, std::uint32_t uid = 0, std::uint32_t gid = 0) {
    return {{.path = std::move(path), .mode = mode, .uid = uid, .gid = gid}, std::move(text)};
}
DebFile directory(std::string path, unsigned mode = 0755, std::uint32_t gid = 0) {
    return {{.path = std::move(path), .type = TarType::directory, .mode = mode, .gid = gid}, {}};
}
DebFile link(std::string path, std::string target) {
    return {{.path = std::move(path), .type = TarType::symlink, .mode = 0777, .target = std::move(target)}, {}};
}
DebFile hard_link(std::string path, std::string target) {
    return {{.path = std::move(path), .type = TarType::hard_link, .mode = 0644, .target = std::move(target)}, {}};
}

class UnpackTest : public testing::Test {
protected:
    UnpackTest() {
        fs::create_directories(ours());
        fs::create_directories(dpkgs());
    }
    [[nodiscard]] fs::path ours() const { return dir_.path() / "ours"; }
    [[nodiscard]] fs::path dpkgs() const { return dir_.path() / "dpkgs"; }

    root::PackageFile build(const Toy& toy) {
        archive::DebContents contents{.control = toy.members,
                                      .files = toy.files,
                                      .mtime = 1700000000 + ++built_,
                                      .compression = archive::Compression::none};
        contents.control["control"] = {"Package: " + toy.name + "\nVersion: 1.0-1\nArchitecture: " + toy.architecture +
                                       "\nMaintainer: Toy <toy@example.org>\n" + toy.fields +
                                       "Description: a toy\n with a second line\n .\n and a third\nX-Toy: yes\n"};
        const fs::path path = dir_.path() / (toy.name + ".deb");
        archive::write_deb(path, contents);
        return {path, toy.name, "1.0-1", toy.architecture};
    }
    std::vector<root::PackageFile> build(const std::vector<Toy>& toys) {
        std::vector<root::PackageFile> packages;
        for (const Toy& toy : toys) packages.push_back(build(toy));
        return packages;
    }

    root::Unpacked unpack(const std::vector<root::PackageFile>& packages, root::UnpackOptions options = {}) {
        options.epoch = 1700000000;
        const auto quiet = make_renderer(ProgressStyle::quiet, 2);
        return root::unpack(packages, ours(), options, *quiet);
    }
    // Also writes the database.
    void unpack_all(const std::vector<root::PackageFile>& packages) {
        root::write_dpkg_database(ours(), unpack(packages), "amd64");
    }
    std::string failure(const std::vector<root::PackageFile>& packages) {
        try {
            unpack(packages);
        } catch (const Error& error) {
            return error.render();
        }
        return {};
    }

    std::string dpkg(const fs::path& root, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"dpkg", "--root=" + root.native(), "--force-unsafe-io", "--force-depends",
                                             "--log=" + (dir_.path() / "dpkg.log").native()});
        return run_checked({.argv = std::move(arguments),
                            .environment = {{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C.UTF-8"}}}});
    }
    // What dpkg needs before its first package.
    void unpack_by_dpkg(const std::vector<root::PackageFile>& packages) {
        for (const char* name : {"bin", "lib"}) {
            fs::create_symlink(std::string("usr/") + name, dpkgs() / name);
            run_checked({.argv = {"touch", "--no-dereference", "--date=@1700000000", dpkgs() / name}});
        }
        fs::create_directories(dpkgs() / "usr/bin");
        fs::create_directories(dpkgs() / "usr/lib");
        for (const char* name : {"info", "updates", "triggers"})
            fs::create_directories(dpkgs() / "var/lib/dpkg" / name);
        write_file(dpkgs() / "var/lib/dpkg/status", "");
        std::vector<std::string> arguments{"--unpack"};
        for (const auto& package : packages) arguments.push_back(package.path);
        dpkg(dpkgs(), arguments);
    }

    TemporaryDirectory dir_{fs::temp_directory_path()};
    int built_ = 0;
};

// One line for each file below `root` but the database: what it is, whose, and what is in it.
std::string census(const fs::path& root) {
    std::vector<std::string> lines;
    for (const auto& found : fs::recursive_directory_iterator(root)) {
        std::string path = found.path().lexically_relative(root);
        if (path.starts_with("var/lib/dpkg")) continue;
        struct stat info {};
        ::lstat(found.path().c_str(), &info);
        if (path.ends_with(".dpkg-new")) path.resize(path.size() - 9); // where dpkg keeps conffiles for now
        std::string line = fmt::format("{} {:o} {}:{}", path, info.st_mode, info.st_uid, info.st_gid);
        if (S_ISREG(info.st_mode))
            line +=
                fmt::format(" {} links, {} at {}", info.st_nlink, sha256_of_file(found.path()).hex(), info.st_mtime);
        if (S_ISLNK(info.st_mode))
            line += fmt::format(" to {} at {}", fs::read_symlink(found.path()).native(), info.st_mtime);
        lines.push_back(line);
    }
    std::ranges::sort(lines);
    return join(lines, "\n");
}

std::map<std::string, std::string> contents_of(const fs::path& directory) {
    std::map<std::string, std::string> contents;
    for (const auto& found : fs::directory_iterator(directory)) {
        struct stat info {};
        ::stat(found.path().c_str(), &info);
        contents[found.path().filename()] = fmt::format("{:o}\n", info.st_mode) + read_file(found.path());
    }
    return contents;
}

std::vector<std::string> sorted_lines(const fs::path& path) {
    std::vector<std::string> lines;
    const std::string text = read_file(path);
    for (const std::string_view line : split(text, '\n')) lines.emplace_back(line);
    std::ranges::sort(lines);
    return lines;
}

// The paragraphs of a status file, sorted, without the MD5 sums that we have and dpkg not yet.
std::vector<std::string> status_of(const fs::path& root, bool with_sums) {
    std::vector<std::string> paragraphs(1);
    const std::string text = read_file(root / "var/lib/dpkg/status");
    for (std::string_view line : split(text, '\n')) {
        if (line.empty()) {
            paragraphs.emplace_back();
            continue;
        }
        if (!with_sums && line.starts_with(" /")) line = line.substr(0, line.rfind(' '));
        paragraphs.back() += std::string(line) + "\n";
    }
    std::ranges::sort(paragraphs);
    std::erase(paragraphs, "");
    return paragraphs;
}

// Everything that packages do, and that packages do to each other.
std::vector<Toy> menagerie() {
    const std::string script = "#!/bin/sh\nexit 0\n";
    return {
        {.name = "toy-base",
         .fields = "Essential: yes\nPriority: required\nSection: admin\nInstalled-Size: 12\nSource: toy (1.0)\n",
         .files = {directory("usr/bin"), directory("tmp", 01777), directory("var/mail", 02775, 8),
                   file("usr/bin/su", "su", 04755), file("usr/bin/wall", "wall", 02755, 0, 5),
                   link("usr/bin/sh", "dash"), file("etc/base.conf", "base\n")},
         .members = {{"conffiles", {"/etc/base.conf\n"}},
                     {"md5sums", {"00000000000000000000000000000000  usr/bin/su\n"}}}},
        {.name = "toy-lib",
         .fields = "Multi-Arch: same\nDepends: toy-base (>= 1), a | b\nPre-Depends: c\n",
         .files = {file("usr/lib/x86_64/libtoy.so.1.2", "lib"), link("usr/lib/x86_64/libtoy.so.1", "libtoy.so.1.2")},
         .members = {{"triggers", {"# made by hand\nactivate-noawait ldconfig\n"}},
                     {"shlibs", {"libtoy 1 toy-lib\n"}},
                     {"symbols", {"libtoy\n"}},
                     {"md5sums", {""}}},
         .architecture = "amd64"},
        {.name = "toy-app",
         .fields = "Recommends: x\nSuggests: y\nBreaks: z\nConflicts: u\nEnhances: v\nProvides: w (= 1)\nHomepage: "
                   "https://example.org/\n",
         .files = {file("etc/app/a.conf", "a\n", 0640, 0, 4), file("etc/app/b.conf", ""),
                   file("usr/share/app/data", "data", 0600, 33, 33), file("usr/share/app/first", "linked"),
                   hard_link("usr/share/app/second", "usr/share/app/first"),
                   hard_link("usr/share/app/third", "usr/share/app/second"), file("usr/share/moved", "of app")},
         .members = {{"conffiles", {"/etc/app/a.conf\n/etc/app/b.conf\n"}},
                     {"triggers",
                      {"interest /usr/share/app\ninterest-noawait /usr/lib/app\ninterest-await toy-trigger\ninterest "
                       "other-trigger\n"}},
                     {"templates", {"Template: toy-app/x\n"}},
                     {"config", {script, 0755}},
                     {"postrm", {script, 0755}}}},
        {.name = "toy-data",
         .fields = "Replaces: toy-app (<< 2), toy-none\n",
         .files = {file("usr/share/moved", "of data"), file("usr/share/data", "data")}},
        {.name = "toy-old",
         .files = {file("bin/old", "in bin", 0755), file("lib/old/x", "in lib"), link("sbin", "usr/sbin"),
                   directory("usr/sbin")},
         .members = {{"triggers", {"interest-noawait /usr/share/app\ninterest-noawait toy-trigger\n"}}}},
        {.name = "toy-names",
         .files = {file("usr/share/ \xc5\x91 \\ \x01", "odd name"), file("usr/share/empty", ""),
                   file("usr/share/big", std::string(300000, 'b'))}},
    };
}

} // namespace

TEST_F(UnpackTest, TheRootIsTheOneThatDpkgMakes) {
    const auto packages = build(menagerie());
    unpack_all(packages);
    unpack_by_dpkg(packages);
    EXPECT_EQ(census(ours()), census(dpkgs()));
}

TEST_F(UnpackTest, TheDatabaseIsTheOneThatDpkgWrites) {
    const auto packages = build(menagerie());
    unpack_all(packages);
    unpack_by_dpkg(packages);
    EXPECT_EQ(contents_of(ours() / "var/lib/dpkg/info"), contents_of(dpkgs() / "var/lib/dpkg/info"));
    EXPECT_EQ(status_of(ours(), false), status_of(dpkgs(), false));
    EXPECT_EQ(sorted_lines(ours() / "var/lib/dpkg/triggers/File"),
              sorted_lines(dpkgs() / "var/lib/dpkg/triggers/File"));
    for (const char* trigger : {"toy-trigger", "other-trigger"})
        EXPECT_EQ(sorted_lines(ours() / "var/lib/dpkg/triggers" / trigger),
                  sorted_lines(dpkgs() / "var/lib/dpkg/triggers" / trigger));
}

TEST_F(UnpackTest, DpkgTakesOverFromThere) {
    auto toys = menagerie();
    toys[0].members.erase("md5sums"); // a wrong one, on purpose
    const auto packages = build(toys);
    unpack_all(packages);
    unpack_by_dpkg(packages);
    dpkg(ours(), {"--configure", "-a"});
    dpkg(dpkgs(), {"--configure", "-a"});
    EXPECT_EQ(status_of(ours(), true), status_of(dpkgs(), true));
    EXPECT_THAT(status_of(ours(), true), testing::Each(testing::HasSubstr("\nStatus: install ok installed\n")));
    EXPECT_EQ(dpkg(ours(), {"--audit"}), "");
    EXPECT_EQ(dpkg(ours(), {"--verify"}), "");
    EXPECT_EQ(dpkg(ours(), {"--search", "/usr/share/moved"}), "toy-data: /usr/share/moved\n");
    write_file(ours() / "etc/app/a.conf", "changed");
    EXPECT_EQ(run({.argv = {"dpkg", "--root=" + ours().native(), "--verify"}}).output, "??5?????? c /etc/app/a.conf\n")
        << "the verification must be able to fail";
}

TEST_F(UnpackTest, ThreadsAndTimingChangeNothing) {
    const auto packages = build(menagerie());
    unpack_all(packages);
    const auto first = census(ours());
    const auto status = read_file(ours() / "var/lib/dpkg/status");
    for (const unsigned threads : {1U, 2U, 7U}) {
        remove_tree(ours());
        fs::create_directory(ours());
        root::write_dpkg_database(ours(), unpack(packages, {.threads = threads}), "amd64");
        EXPECT_EQ(census(ours()), first);
        EXPECT_EQ(read_file(ours() / "var/lib/dpkg/status"), status);
    }
}

TEST_F(UnpackTest, TimesOfDirectoriesAreThePackages) {
    unpack(build({Toy{.name = "a", .files = {file("usr/share/x", "x")}},
                  Toy{.name = "b", .files = {file("usr/share/y", "y"), file("opt/z", "z")}}}));
    const auto time = [&](const char* path) {
        struct stat info {};
        EXPECT_EQ(::lstat((ours() / path).c_str(), &info), 0) << path;
        return info.st_mtime;
    };
    EXPECT_EQ(time("."), 1700000001);
    EXPECT_EQ(time("usr/share"), 1700000001);
    EXPECT_EQ(time("opt"), 1700000002);
    EXPECT_EQ(std::distance(fs::directory_iterator(ours()), {}), 2) << "no staging directory stays";
}

TEST_F(UnpackTest, SaysWhoHasWhat) {
    const auto unpacked = unpack(
        build({Toy{.name = "a", .files = {file("bin/x", "12345")}}, Toy{.name = "b", .files = {file("bin/y", "y")}}}));
    EXPECT_EQ(unpacked.owners, (std::map<std::string, std::string>{
                                   {"", "a"}, {"usr/bin", "a"}, {"usr/bin/x", "a"}, {"usr/bin/y", "b"}}));
    EXPECT_EQ(unpacked.packages.at(0).paths, (std::vector<std::string>{"", "bin", "bin/x"}));
    EXPECT_EQ(unpacked.bytes, 6U);
    EXPECT_TRUE(fs::is_symlink(ours() / "bin"));
}

TEST_F(UnpackTest, AConflictNamesThePathAndBothPackages) {
    EXPECT_EQ(failure(build(
                  {Toy{.name = "a", .files = {file("usr/x", "")}}, Toy{.name = "b", .files = {file("usr/x", "")}}})),
              "cannot unpack 'b 1.0-1': 'usr/x' is also in 'a 1.0-1', and neither replaces the other\n"
              "  hint: leave one of the two packages out, or name the diversion that one of them makes");
}

TEST_F(UnpackTest, ADiversionIsRegistered) {
    const auto packages =
        build({Toy{.name = "a", .files = {file("usr/x", "of a")}}, Toy{.name = "b", .files = {file("usr/x", "of b")}}});
    root::write_dpkg_database(ours(), unpack(packages, {.diversions = {{"usr/x", "usr/x.distrib", "b"}}}), "amd64");
    EXPECT_EQ(read_file(ours() / "usr/x"), "of b");
    EXPECT_EQ(read_file(ours() / "usr/x.distrib"), "of a");
    EXPECT_EQ(run_checked({.argv = {"dpkg-divert", "--root", ours(), "--list"}}),
              "diversion of /usr/x to /usr/x.distrib by b\n");
    dpkg(ours(), {"--configure", "-a"});
    EXPECT_EQ(dpkg(ours(), {"--verify"}), "");
}

TEST_F(UnpackTest, APackageMustBeWhatTheLockSaysItIs) {
    auto packages = build(std::vector{Toy{.name = "a"}});
    packages[0].version = "2";
    EXPECT_EQ(failure(packages),
              "cannot unpack '" + packages[0].path.native() +
                  "': it says Version '1.0-1' instead of '2'\n"
                  "  while unpacking 'a 2'\n"
                  "  hint: the index and the package disagree; the archive is broken, or the local folder has changed");
}

TEST_F(UnpackTest, OnlyAnEmptyDirectoryIsUnpackedInto) {
    write_file(ours() / "x", "");
    EXPECT_EQ(failure({}), "cannot unpack into '" + ours().native() + "': it is not empty");
    remove_tree(ours());
    EXPECT_EQ(failure({}), "cannot unpack into '" + ours().native() + "': No such file or directory");
}

TEST_F(UnpackTest, NothingIsWrittenOutsideTheRoot) {
    // A link out of the root, and a file of another package behind it.
    const fs::path outside = dir_.path() / "outside";
    fs::create_directory(outside);
    const auto packages = build({Toy{.name = "a", .files = {link("usr/out", outside)}},
                                 Toy{.name = "b", .files = {file("usr/out/x", "escaped")}}});
    EXPECT_EQ(failure(packages), "cannot unpack 'b 1.0-1': its directory 'usr/out' leads through a link to '" +
                                     outside.native().substr(1) + "', which is no directory of any package");
    EXPECT_TRUE(fs::is_empty(outside));
}

TEST_F(UnpackTest, TheDatabaseStaysInsideToo) {
    const fs::path outside = dir_.path() / "outside";
    fs::create_directories(outside / "lib/dpkg");
    const auto unpacked = unpack(build(std::vector{Toy{.name = "a", .files = {link("var", outside)}}}));
    try {
        root::write_dpkg_database(ours(), unpacked, "amd64");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "cannot open '" + (ours() / "var").native() + "': Not a directory");
    }
    EXPECT_TRUE(fs::is_empty(outside / "lib/dpkg"));
}

TEST(Md5, AgreesWithItsSpecification) {
    // RFC 1321, A.5
    const auto md5 = [](std::string_view text) {
        root::Md5 hash;
        hash.update(std::as_bytes(std::span(text.data(), text.size())));
        return hash.finish();
    };
    EXPECT_EQ(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(md5("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    EXPECT_EQ(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
              "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(Md5, AgreesWithTheToolAtEveryLength) {
    std::string text;
    for (std::size_t length = 0; length < 200; length += 7) {
        text.resize(length, 'x');
        root::Md5 hash;
        for (const char& byte : text) hash.update(std::as_bytes(std::span(&byte, 1)));
        EXPECT_EQ(hash.finish(), run_checked({.argv = {"md5sum"}, .input = text}).substr(0, 32)) << length;
    }
}

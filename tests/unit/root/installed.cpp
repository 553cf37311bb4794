#include "../../../builder/root/installed.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <filesystem>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::root;
namespace fs = std::filesystem;
using testing::ElementsAre;

namespace {

std::vector<std::string> order_of(const std::vector<InstalledPackage>& packages) {
    std::vector<std::string> names;
    for (const auto* package : script_order(packages)) names.push_back(package->name);
    return names;
}

InstalledPackage package(std::string name, std::string depends = "", std::string provides = "") {
    return {.name = name, .info_name = name, .depends = std::move(depends), .provides = std::move(provides)};
}

} // namespace

TEST(ScriptOrder, BasePasswdFirstThenWhatOthersNeed) {
    EXPECT_THAT(order_of({package("a", "z (>= 1), y | x"), package("base-passwd", "libc"), package("libc"), package("x"), package("z")}),
                ElementsAre("base-passwd", "libc", "z", "x", "a"));
}

TEST(ScriptOrder, FollowsProvidesAndEndsInACycle) {
    EXPECT_THAT(order_of({package("a", "awk"), package("mawk", "b", "awk"), package("b", "a")}), ElementsAre("b", "mawk", "a"));
}

TEST(ReadInstalled, ReadsStatusAndLists) {
    const TemporaryDirectory directory("/tmp", "installed-");
    const fs::path database = directory.path() / "var/lib/dpkg";
    fs::create_directories(database / "info");
    write_file(database / "status", "Package: libx\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 1\n\n"
                                    "Package: dash\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 2\nDepends: libx (>= 1),\n libc\n");
    write_file(database / "info/libx:amd64.list", "/.\n/usr\n/usr/lib/libx.so\n/usr/bin/sh\n");
    write_file(database / "info/dash.list", "/.\n/usr\n/usr/bin/sh\n");
    write_file(database / "diversions", "/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n");
    const auto packages = read_installed(directory.path());
    ASSERT_EQ(packages.size(), 2U);
    EXPECT_EQ(packages[0].name, "dash");
    EXPECT_EQ(packages[0].status, "install ok unpacked");
    EXPECT_EQ(packages[0].depends, "libx (>= 1), libc");
    EXPECT_EQ(packages[1].info_name, "libx:amd64");
    const auto owners = read_owners(directory.path(), packages);
    EXPECT_EQ(owners.at("usr/bin/sh"), "dash");
    EXPECT_EQ(owners.at("usr/bin/sh.distrib"), "libx");
    EXPECT_EQ(owners.at("usr"), "dash");
    EXPECT_FALSE(owners.contains(""));
}

TEST(ReadInstalled, SaysWhenThereIsNoDatabase) {
    const TemporaryDirectory directory("/tmp", "installed-");
    try {
        (void)read_installed(directory.path());
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot read the packages of '" + directory.path().native() + "': it has no dpkg database");
    }
}

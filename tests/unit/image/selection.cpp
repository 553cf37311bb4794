#include "trees.hpp"

#include <image/selection.hpp>

#include <gmock/gmock.h>

namespace ashlar::image {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using trees::Forest;
using trees::paths;
using Verdict = PathPatterns::Verdict;

Verdict verdict(const std::vector<std::string>& patterns, std::string_view path) {
    return PathPatterns(patterns).verdict(path);
}

TEST(PathPatterns, AStarStaysInItsDirectory) {
    EXPECT_EQ(verdict({"/usr/bin/*"}, "usr/bin/ls"), Verdict::dropped);
    EXPECT_EQ(verdict({"/usr/*"}, "etc/passwd"), Verdict::not_named);
    EXPECT_EQ(verdict({"/usr/*.so"}, "usr/lib/x.so"), Verdict::not_named);
}

TEST(PathPatterns, ADirectoryMeansAllBelowIt) {
    EXPECT_EQ(verdict({"/usr/share/doc"}, "usr/share/doc/bash/README"), Verdict::dropped);
    EXPECT_EQ(verdict({"/usr/*/doc"}, "usr/share/doc/bash/README"), Verdict::dropped);
    EXPECT_EQ(verdict({"/usr/share/doc"}, "usr/share/documents"), Verdict::not_named);
}

TEST(PathPatterns, TwoStarsCrossDirectories) {
    EXPECT_EQ(verdict({"/etc/**"}, "etc/a/b/c"), Verdict::dropped);
    EXPECT_EQ(verdict({"/etc/**"}, "etc"), Verdict::not_named);
    EXPECT_EQ(verdict({"/usr/**/*.la"}, "usr/lib/x/libx.la"), Verdict::dropped);
    EXPECT_EQ(verdict({"/usr/**/*.la"}, "usr/libx.la"), Verdict::dropped);
    EXPECT_EQ(verdict({"/usr/**/gconv"}, "usr/lib/x86_64-linux-gnu/gconv/UTF-16.so"), Verdict::dropped);
}

TEST(PathPatterns, TheLastOneDecides) {
    const std::vector<std::string> patterns{"/usr/bin/**", "!/usr/bin/mount", "/usr/bin/m*"};
    EXPECT_EQ(verdict(patterns, "usr/bin/mount"), Verdict::dropped);
    EXPECT_EQ(verdict({patterns[0], patterns[2], patterns[1]}, "usr/bin/mount"), Verdict::taken_back);
}

TEST(Without, DirectoriesThatLoseEverythingGo) {
    Forest forest;
    forest.directory("")
        .directory("usr")
        .directory("usr/share")
        .directory("usr/share/doc")
        .file("usr/share/doc/a")
        .directory("empty")
        .directory("other")
        .file("other/b");
    EXPECT_THAT(paths(without(forest.tree(), PathPatterns(std::vector<std::string>{"/usr/share/doc/*"}))),
                ElementsAre("", "empty", "other", "other/b"));
    EXPECT_THAT(paths(without(forest.tree(), PathPatterns(std::vector<std::string>{"/empty", "/other/**"}))),
                ElementsAre("", "usr", "usr/share", "usr/share/doc", "usr/share/doc/a"));
}

TEST(Without, ADirectoryStaysForWhatIsTakenBack) {
    Forest forest;
    forest.directory("").directory("usr").directory("usr/bin").file("usr/bin/a").file("usr/bin/b");
    EXPECT_THAT(paths(without(forest.tree(), PathPatterns(std::vector<std::string>{"/usr", "!/usr/bin/b"}))),
                ElementsAre("", "usr", "usr/bin", "usr/bin/b"));
}

TEST(Without, AnotherHardLinkTakesThePlaceOfTheFirst) {
    Forest forest;
    forest.directory("").file("a", "content");
    const auto source = forest.last().source;
    forest.add({.path = "b", .hard_link = "a"}).add({.path = "c", .hard_link = "a"});
    const auto left = without(forest.tree(), PathPatterns(std::vector<std::string>{"/a"}));
    ASSERT_THAT(paths(left), ElementsAre("", "b", "c"));
    EXPECT_EQ(left[1].source, source);
    EXPECT_EQ(left[1].size, 7U);
    EXPECT_EQ(left[1].hard_link, "");
    EXPECT_EQ(left[2].hard_link, "b");
}

class Libraries : public testing::Test {
protected:
    Forest& library(const std::string& name, const std::vector<std::string>& needed = {},
                    const std::vector<std::string>& opened = {}) {
        return forest.file("usr/lib/x86_64-linux-gnu/" + name, trees::program(needed, opened));
    }
    [[nodiscard]] std::vector<std::string> unused(const std::vector<std::string>& patterns = {}) const {
        return unused_libraries(forest.tree(), PathPatterns(patterns));
    }

    Forest forest;
};

TEST_F(Libraries, WhatIsNeededStaysAlsoThroughLinksAndOthers) {
    forest.file("usr/bin/tool", trees::program({"liba.so.1"}));
    forest.link("usr/lib/x86_64-linux-gnu/liba.so.1", "liba.so.1.2");
    library("liba.so.1.2", {"libb.so.2"});
    library("libb.so.2");
    library("libc-lonely.so.1");
    forest.link("usr/lib/x86_64-linux-gnu/libd.so", "libd.so.1");
    EXPECT_THAT(unused(), ElementsAre("usr/lib/x86_64-linux-gnu/libc-lonely.so.1", "usr/lib/x86_64-linux-gnu/libd.so"));
}

TEST_F(Libraries, WhatMayBeOpenedStays) {
    forest.file("usr/lib/systemd/systemd", trees::program({}, {"libtss2-esys.so.0"}));
    library("libtss2-esys.so.0", {"libtss2-sys.so.1"});
    library("libtss2-sys.so.1");
    EXPECT_THAT(unused(), IsEmpty());
}

TEST_F(Libraries, PluginsInDirectoriesOfTheirOwnStayWithWhatTheyNeed) {
    forest.file("usr/lib/x86_64-linux-gnu/cryptsetup/libcryptsetup-token-systemd-tpm2.so",
                trees::program({"libcryptsetup.so.12"}));
    library("libcryptsetup.so.12");
    EXPECT_THAT(unused(), IsEmpty());
}

TEST_F(Libraries, SilentlyOpenedOnesStayWithTheirLinks) {
    forest.link("usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0", "libtss2-tcti-device.so.0.0.0");
    library("libtss2-tcti-device.so.0.0.0", {"libtss2-mu.so.0"});
    library("libtss2-mu.so.0");
    library("libgcc_s.so.1");
    EXPECT_THAT(unused(), IsEmpty());
}

TEST_F(Libraries, TakenBackByNameStaysByPatternDoesNot) {
    library("libz.so.1");
    EXPECT_THAT(unused({"!/usr/lib/x86_64-linux-gnu/libz.so.1"}), IsEmpty());
    EXPECT_THAT(unused({"!/usr/lib/*-linux-gnu/*.so*"}), ElementsAre("usr/lib/x86_64-linux-gnu/libz.so.1"));
}

TEST_F(Libraries, RealProgramsOfThisMachine) {
    const auto real = [&](const std::string& path) {
        forest.add({.path = path.substr(1), .size = std::filesystem::file_size(path), .source = path});
    };
    real("/usr/bin/ls");
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/x86_64-linux-gnu"))
        if (const auto name = entry.path().filename().native();
            name == "libc.so.6" || name == "libselinux.so.1" || name == "libm.so.6")
            real(entry.path());
    const auto left_out = unused();
    EXPECT_THAT(left_out, Not(Contains("usr/lib/x86_64-linux-gnu/libc.so.6")));
    EXPECT_THAT(left_out, Not(Contains("usr/lib/x86_64-linux-gnu/libselinux.so.1")));
    EXPECT_THAT(left_out, Contains("usr/lib/x86_64-linux-gnu/libm.so.6"));
}

} // namespace
} // namespace ashlar::image

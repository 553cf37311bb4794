#include <debian/universe.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::debian;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

// A paragraph with all that must be there.
std::string package(std::string_view name, std::string_view version, std::string_view more = {},
                    std::string_view architecture = "amd64") {
    return fmt::format(
        "Package: {0}\nVersion: {1}\nArchitecture: {3}\nFilename: pool/{0}.deb\nSize: 10\nSHA256: {2:0>64}\n{4}\n",
        name, version, 1, architecture, more);
}

const Source trixie{.archive = "debian", .suite = "trixie"};
const Source updates{.archive = "debian", .suite = "trixie-updates"};
const Source backports{
    .archive = "debian", .suite = "trixie-backports", .not_automatic = true, .but_automatic_upgrades = true};
const Source firmware{.archive = "debian", .suite = "trixie", .component = "non-free-firmware"};
const Components main_only = Components::main_and({});

Universe universe_of(std::initializer_list<std::pair<Source, std::string>> indices, std::vector<Pin> pins = {}) {
    Universe universe("amd64", std::move(pins));
    for (const auto& [source, text] : indices) universe.add_text(text, "Packages", source);
    return universe;
}

std::string candidate_of(const Universe& universe, std::string_view name, const Components& components = main_only) {
    const Package* package = universe.candidate(name, components);
    return package == nullptr ? "none" : fmt::format("{} {}", package->version, package->suite);
}

std::string error_of(const std::string& text) {
    try {
        (void)universe_of({{trixie, text}});
    } catch (const Error& error) {
        return error.render();
    }
    return "no error";
}

} // namespace

TEST(Universe, ReadsEveryFieldThatMatters) {
    const auto universe = universe_of(
        {{trixie,
          package("bash", "5.2-1+b1",
                  "Source: bash-src (5.2-1)\nEssential: yes\nImportant: yes\nMulti-Arch: foreign\nSection: "
                  "shells\nPriority: required\n"
                  "Maintainer: Someone <someone@example.org>\nHomepage: https://example.org/\nInstalled-Size: 7196\n"
                  "Pre-Depends: libc6 (>= 2.38),\n libtinfo6\nDepends: base-files\nConflicts: c\nBreaks: b\nReplaces: "
                  "r\nProvides: p (= 1), q\n"
                  "Description: text\n that is not needed\n")}});
    ASSERT_EQ(universe.size(), 1u);
    const Package& bash = *universe.versions("bash").front();
    EXPECT_EQ(bash.version, "5.2-1+b1");
    EXPECT_EQ(bash.architecture, "amd64");
    EXPECT_EQ(bash.source, "bash-src");
    EXPECT_EQ(bash.source_version, "5.2-1");
    EXPECT_EQ(bash.section, "shells");
    EXPECT_EQ(bash.priority, "required");
    EXPECT_EQ(bash.maintainer, "Someone <someone@example.org>");
    EXPECT_EQ(bash.homepage, "https://example.org/");
    EXPECT_EQ(bash.filename, "pool/bash.deb");
    EXPECT_EQ(bash.size, 10u);
    EXPECT_EQ(bash.installed_size, 7196u);
    EXPECT_EQ(bash.sha256.hex(), std::string(63, '0') + "1");
    EXPECT_TRUE(bash.essential);
    EXPECT_TRUE(bash.important);
    EXPECT_EQ(bash.multi_arch, MultiArch::foreign);
    EXPECT_EQ(bash.archive, "debian");
    EXPECT_EQ(bash.suite, "trixie");
    EXPECT_EQ(bash.component, "main");
    EXPECT_EQ(bash.pin, 500);
    EXPECT_EQ(bash.pre_depends, "libc6 (>= 2.38),\n libtinfo6");
    EXPECT_EQ(bash.depends, "base-files");
    EXPECT_EQ(bash.conflicts, "c");
    EXPECT_EQ(bash.breaks, "b");
    EXPECT_EQ(bash.replaces, "r");
    ASSERT_EQ(universe.providers("p").size(), 1u);
    EXPECT_EQ(universe.providers("p").front().package, &bash);
    EXPECT_EQ(universe.providers("p").front().version, "1");
    EXPECT_EQ(universe.providers("q").front().version, "");
    EXPECT_THAT(universe.providers("bash"), IsEmpty());
}

TEST(Universe, SourceDefaultsToThePackageItself) {
    const auto universe = universe_of({{trixie, package("a", "1") + package("b", "2", "Source: c\n")}});
    EXPECT_EQ(universe.versions("a").front()->source, "a");
    EXPECT_EQ(universe.versions("a").front()->source_version, "1");
    EXPECT_EQ(universe.versions("b").front()->source, "c");
    EXPECT_EQ(universe.versions("b").front()->source_version, "2");
}

TEST(Universe, HasOneArchitectureAndAll) {
    const auto universe =
        universe_of({{trixie, package("a", "1", "", "all") + package("b", "1", "", "arm64") + package("c", "1")}});
    EXPECT_THAT(universe.names(), ElementsAre("a", "c"));
}

TEST(Universe, TheHighestVersionOfAllSuitesIsTheCandidate) {
    const auto universe = universe_of({{trixie, package("a", "1.9")}, {updates, package("a", "1.10")}});
    EXPECT_EQ(candidate_of(universe, "a"), "1.10 trixie-updates");
    EXPECT_EQ(universe.versions("a").size(), 2u);
    EXPECT_EQ(candidate_of(universe, "b"), "none");
}

TEST(Universe, OfEqualVersionsTheEarlierLoadedIsTheCandidate) {
    const auto universe = universe_of({{updates, package("a", "1.0")}, {trixie, package("a", "1.0")}});
    EXPECT_EQ(candidate_of(universe, "a"), "1.0 trixie-updates");
}

TEST(Universe, NotAutomaticLosesToAnyOrdinaryVersion) {
    Source experimental{.archive = "debian", .suite = "experimental", .not_automatic = true};
    const auto universe = universe_of({{experimental, package("a", "9") + package("b", "9") + package("c", "9")},
                                       {backports, package("a", "2") + package("b", "2")},
                                       {trixie, package("a", "1")}});
    EXPECT_EQ(candidate_of(universe, "a"), "1 trixie");
    EXPECT_EQ(candidate_of(universe, "b"), "2 trixie-backports");
    EXPECT_EQ(candidate_of(universe, "c"), "9 experimental");
    EXPECT_EQ(universe.versions("b").front()->pin, 1);
    EXPECT_EQ(universe.versions("b").back()->pin, 100);
}

TEST(Universe, AnArchivesOwnPriorityCounts) {
    Source local{.archive = "local", .suite = "", .priority = 990};
    const auto universe = universe_of({{trixie, package("a", "2")}, {local, package("a", "1")}});
    EXPECT_EQ(candidate_of(universe, "a"), "1 ");
}

TEST(Universe, TheFirstPinThatMatchesCounts) {
    const std::vector<Pin> pins{{.packages = {"b*", "exact"}, .suite = "trixie-backports", .priority = 700},
                                {.packages = {"never"}, .priority = -1},
                                {.packages = {"fixed"}, .version = "1.*", .priority = 1001},
                                {.packages = {"b*"}, .priority = 900}};
    const std::string names_old = package("bird", "1") + package("exact", "1") + package("never", "1") +
                                  package("fixed", "1.5") + package("other", "1");
    const std::string names_new = package("bird", "2") + package("exact", "2") + package("never", "2") +
                                  package("fixed", "2") + package("other", "2");
    const auto universe = universe_of({{trixie, names_old}, {backports, names_new}}, pins);
    EXPECT_EQ(candidate_of(universe, "bird"), "1 trixie"); // 900 against 700
    EXPECT_EQ(candidate_of(universe, "exact"), "2 trixie-backports");
    EXPECT_EQ(candidate_of(universe, "never"), "none");
    EXPECT_EQ(candidate_of(universe, "fixed"), "1.5 trixie");
    EXPECT_EQ(candidate_of(universe, "other"), "1 trixie");
}

TEST(Universe, ComponentsARoleDoesNotNameAreNotThere) {
    const auto universe = universe_of({{firmware, package("intel-microcode", "1")}, {trixie, package("a", "1")}});
    EXPECT_EQ(candidate_of(universe, "intel-microcode"), "none");
    EXPECT_EQ(
        candidate_of(universe, "intel-microcode", Components::main_and(std::vector<std::string>{"non-free-firmware"})),
        "1 trixie");
    EXPECT_EQ(candidate_of(universe, "intel-microcode", Components::all()), "1 trixie");
    EXPECT_EQ(candidate_of(universe, "a", Components::main_and(std::vector<std::string>{"contrib"})), "1 trixie");
}

TEST(Universe, NamesAreRankedByTheirFirstMention) {
    const auto universe =
        universe_of({{trixie, package("a", "1", "Depends: z (>= 1) | y, x:i386, w:any\nProvides: p\nSuggests: s\n") +
                                  package("b", "1", "Pre-Depends: y, w\n")}});
    // Pre-Depends, Depends, Conflicts, Breaks, Recommends, Suggests, Replaces, Enhances, Provides.
    const std::vector<std::string> order{"a", "z", "y", "s", "p", "b", "w"};
    for (std::size_t i = 0; i + 1 < order.size(); ++i)
        EXPECT_LT(universe.mention_rank(order[i]), universe.mention_rank(order[i + 1])) << order[i];
    EXPECT_EQ(universe.mention_rank("x"), 0u);
}

TEST(Universe, MapsFiles) {
    const TemporaryDirectory directory(testing::TempDir());
    write_file(directory.path() / "Packages", package("a", "1"));
    write_file(directory.path() / "empty", "");
    Universe universe("amd64");
    universe.add_file(directory.path() / "Packages", trixie);
    universe.add_file(directory.path() / "empty", updates);
    const Universe moved = std::move(universe);
    EXPECT_EQ(candidate_of(moved, "a"), "1 trixie");
    EXPECT_EQ(moved.size(), 1u);
}

TEST(Universe, GrowsWithoutMovingWhatItHandedOut) {
    auto universe = universe_of({{trixie, package("a", "1")}});
    const Package* a = universe.candidate("a", main_only);
    EXPECT_THAT(universe.names(), ElementsAre("a"));
    EXPECT_EQ(universe.mention_rank("b"), 0u);
    for (const char* name : {"b", "c", "d", "e"}) universe.add_text(package(name, "1"), "Packages", updates);
    EXPECT_EQ(universe.candidate("a", main_only), a);
    EXPECT_EQ(a->name, "a");
    EXPECT_THAT(universe.names(), ElementsAre("a", "b", "c", "d", "e"));
    EXPECT_EQ(universe.mention_rank("b"), 2u);
}

TEST(Universe, AMissingFileIsAnError) {
    Universe universe("amd64");
    try {
        universe.add_file("/nonexistent/Packages", trixie);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.render(), "cannot open '/nonexistent/Packages': No such file or directory");
    }
}

TEST(Universe, ErrorsNameFileAndLine) {
    const auto without = [](std::string text, const std::string& line) {
        return text.erase(text.find(line), line.size());
    };
    EXPECT_EQ(error_of(package("a", "1") + "Package: b\n"),
              "cannot parse 'Packages:8': a package without the field Version");
    EXPECT_EQ(error_of(without(package("a", "1"), "Package: a\n")),
              "cannot parse 'Packages:1': a package without the field Package");
    EXPECT_EQ(error_of(without(package("a", "1"), "Size: 10\n")),
              "cannot parse 'Packages:1': a package without the field Size");
    EXPECT_EQ(error_of("Package: a\nVersion: 1\nArchitecture: all\nFilename: x\nSize: 1\n"),
              "cannot parse 'Packages:1': a package without the field SHA256");
    EXPECT_EQ(error_of(package("a", "1", "Installed-Size: big\n")),
              "cannot parse 'Packages:7': 'big' in field Installed-Size is not a number");
    EXPECT_EQ(error_of(package("a", "1", "Essential: maybe\n")),
              "cannot parse 'Packages:7': field Essential must be 'yes' or 'no', not 'maybe'");
    EXPECT_EQ(error_of(package("a", "1", "Multi-Arch: some\n")),
              "cannot parse 'Packages:7': field Multi-Arch has the unknown value 'some'");
    EXPECT_EQ(error_of(package("a", "x1")), "cannot parse 'Packages:2': 'x1' is not a version");
    EXPECT_EQ(error_of(package("a", "1", "Provides: b |c\n")),
              "cannot parse dependency 'b |c': alternatives have no meaning in this field\n"
              "  while reading package 'a' in 'Packages'");
}

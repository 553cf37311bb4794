#include <bootmenu/menu.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

using namespace ashlar;
using bootmenu::Entry;
using bootmenu::Tries;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
namespace fs = std::filesystem;

namespace {

TEST(EntryName, IsReadAsTheBootLoaderReadsIt) {
    EXPECT_EQ(bootmenu::parse_entry("ashlar_R0.3.efi"), (Entry{"R0.3", std::nullopt}));
    EXPECT_EQ(bootmenu::parse_entry("ashlar_R0.3+3-0.efi"), (Entry{"R0.3", Tries{3, 0}}));
    EXPECT_EQ(bootmenu::parse_entry("ashlar_R0.3+1.efi"), (Entry{"R0.3", Tries{1, 0}}));
    EXPECT_EQ(bootmenu::parse_entry("ashlar_R0.3+deb13+2-1.efi"), (Entry{"R0.3+deb13", Tries{2, 1}}));
    EXPECT_EQ(bootmenu::parse_entry("ashlar_R0.3+deb.efi"), (Entry{"R0.3+deb", std::nullopt}));
    for (const char* name : {"ashlar_.efi", "ashlar_R0.3.tmp", "other_R0.3.efi", "ashlar_R0.3.efi.extra.d", "ashlar_+3-0.efi"})
        EXPECT_EQ(bootmenu::parse_entry(name), std::nullopt) << name;
}

TEST(EntryName, IsWrittenWithBothNumbers) {
    EXPECT_EQ((Entry{"R0.3", Tries{2, 1}}).file_name(), "ashlar_R0.3+2-1.efi");
    EXPECT_EQ((Entry{"R0.3", std::nullopt}).file_name(), "ashlar_R0.3.efi");
}

class Menu : public testing::Test {
protected:
    Menu() { fs::create_directories(linux); }
    void has(const std::string& name) const { write_file(linux / name, "UKI"); }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& file : fs::directory_iterator(linux)) names.push_back(file.path().filename());
        std::ranges::sort(names);
        return names;
    }
    [[nodiscard]] std::string error_of(const auto& body) const {
        try {
            body();
        } catch (const Error& error) {
            return error.message();
        }
        return "no error";
    }
    TemporaryDirectory directory{testing::TempDir()};
    fs::path linux = directory.path() / "EFI/Linux";
    bootmenu::Menu menu{directory.path()};
};

TEST_F(Menu, StartsTheNewestReleaseThatHasAttemptsLeft) {
    for (const char* name : {"ashlar_R0.9.efi", "ashlar_R0.10+0-3.efi", "ashlar_R0.8.efi", "README", "memtest.efi"}) has(name);
    EXPECT_THAT(menu.entries(), ElementsAre(Entry{"R0.10", Tries{0, 3}}, Entry{"R0.9", {}}, Entry{"R0.8", {}}));
    EXPECT_EQ(menu.next(), (Entry{"R0.9", {}}));
}

TEST_F(Menu, StartsAnExhaustedReleaseWhenThereIsNoOther) {
    has("ashlar_R0.10+0-3.efi");
    EXPECT_EQ(menu.next(), (Entry{"R0.10", Tries{0, 3}}));
}

TEST_F(Menu, AddsAReleaseUnderItsCountedNameAlone) {
    has("ashlar_R0.3.tmp"); // from an attempt that was cut off
    menu.add(bytes_of("the new UKI"), "R0.3", {3, 0});
    EXPECT_THAT(files(), ElementsAre("ashlar_R0.3+3-0.efi"));
    EXPECT_EQ(read_file(linux / "ashlar_R0.3+3-0.efi"), "the new UKI");
}

TEST_F(Menu, AddsNothingBesideATwin) {
    has("ashlar_R0.3+0-3.efi");
    EXPECT_EQ(error_of([&] { menu.add(bytes_of("UKI"), "R0.3", {3, 0}); }), "cannot add 'R0.3' to the boot menu: it is there already");
    EXPECT_THAT(files(), ElementsAre("ashlar_R0.3+0-3.efi"));
}

TEST_F(Menu, RemovesAllNamesOfARelease) {
    for (const char* name : {"ashlar_R0.3.efi", "ashlar_R0.3+2-1.efi", "ashlar_R0.3.tmp", "ashlar_R0.30.efi"}) has(name);
    menu.remove("R0.3");
    EXPECT_THAT(files(), ElementsAre("ashlar_R0.30.efi"));
}

// Of systemd's bless-boot it is known that a twin makes `good` do nothing.
TEST_F(Menu, BlessesAlsoWhereATwinIsInTheWay) {
    for (const char* name : {"ashlar_R0.3.efi", "ashlar_R0.3+1-2.efi"}) has(name);
    menu.bless("R0.3");
    EXPECT_THAT(files(), ElementsAre("ashlar_R0.3.efi"));
    menu.bless("R0.3");
    EXPECT_THAT(files(), ElementsAre("ashlar_R0.3.efi"));
}

TEST_F(Menu, GivesUpAReleaseWithAllAttemptsItHad) {
    for (const char* name : {"ashlar_R0.3+2-1.efi", "ashlar_R0.2.efi"}) has(name);
    menu.exhaust("R0.3");
    menu.exhaust("R0.2");
    EXPECT_THAT(files(), ElementsAre("ashlar_R0.2+0-1.efi", "ashlar_R0.3+0-3.efi"));
    EXPECT_EQ(error_of([&] { menu.exhaust("R9"); }), "cannot give up 'R9': the boot menu does not have it");
}

// A file system that is too small.
TEST_F(Menu, LeavesNothingOnAFullBootPartition) {
    if (::geteuid() != 0) GTEST_SKIP() << "NOT TESTED: mounting needs root";
    const fs::path small = directory.path() / "small";
    fs::create_directories(small);
    ASSERT_EQ(::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=2m"), 0);
    fs::create_directories(small / "EFI/Linux");
    const bootmenu::Menu full(small);
    const Bytes uki(3U << 20U);
    EXPECT_THAT(error_of([&] { full.add(uki, "R0.3", {3, 0}); }), StartsWith("cannot put 3.1 MB on the boot partition: 2.1 MB are free"));
    EXPECT_THAT(full.entries(), IsEmpty());
    ASSERT_EQ(::umount2(small.c_str(), 0), 0);
}

} // namespace

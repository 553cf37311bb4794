// The model of systemd-boot: names, versions and order. That the real one does the same is loader_run.cpp's.

#include "handmade.hpp"
#include "loader.hpp"

#include <base/process.hpp>

#include <gmock/gmock.h>

using namespace powercut;
using testing::ElementsAre;

namespace {

std::vector<std::string> order(std::vector<std::pair<std::string, std::string>> files) {
    std::vector<BootEntry> entries;
    for (const auto& [name, version] : files)
        if (auto entry = read_entry(name, handmade::uki(handmade::os_release(version), "roothash=0"))) entries.push_back(*entry);
    std::vector<std::string> names;
    for (const auto& entry : sorted(std::move(entries))) names.push_back(entry.name);
    return names;
}

TEST(Versions, AreOrderedAsSystemdOrdersThem) {
    const std::vector<std::string> versions{"0",      "1",    "10",   "R0.0", "R0.1",    "R0.10", "R1",  "R0.0~1", "R0.0-1", "R0.0^1", "R0.0.1",
                                            "r0.0",   "R0.0a", "R0_0", "R0.01", "1.0~rc1", "1.0",   "a-b", "a^b",    "a.b",    "ashlar_R0.1+3-0.efi", "ashlar_R0.1.efi"};
    for (std::size_t i = 0; i < versions.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            // 0, 11 and 12: the same, the first is newer, the second is newer.
            const int said = ashlar::run({.argv = {"systemd-analyze", "compare-versions", versions[i], versions[j]}}).exit_code;
            ASSERT_THAT(said, testing::AnyOf(0, 11, 12));
            const int expected = said == 11 ? 1 : said == 12 ? -1 : 0;
            EXPECT_EQ(compare_versions(versions[i], versions[j]), expected) << versions[i] << " and " << versions[j];
            EXPECT_EQ(compare_versions(versions[j], versions[i]), -expected) << versions[j] << " and " << versions[i];
        }
}

TEST(Entry, IsCountedByTheEndOfItsName) {
    const auto counted = entry_named("ashlar_R0.1+3-0.efi");
    EXPECT_EQ(counted.left, 3U);
    EXPECT_EQ(counted.done, 0U);
    EXPECT_EQ(counted.name_when_started(), "ashlar_R0.1+2-1.efi");
    EXPECT_EQ(entry_named("a+1.efi").name_when_started(), "a+0-1.efi");
    EXPECT_EQ(entry_named("a+0-3.efi").name_when_started(), "a+0-4.efi");
    EXPECT_EQ(entry_named("a+2+1-7.efi").name_when_started(), "a+2+0-8.efi");
    for (const char* plain : {"a.efi", "a+b.efi", "a+3-.efi", "a+3-0x.efi", "a+.efi", "a+3-0.efi.tmp"}) {
        EXPECT_EQ(entry_named(plain).left, std::nullopt) << plain;
        EXPECT_EQ(entry_named(plain).name_when_started(), plain);
    }
}

TEST(Entry, NeedsAnOsRelease) {
    const auto image = handmade::uki(handmade::os_release("R0.1"), "roothash=12 quiet");
    const auto entry = read_entry("x.EFI", image);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->version, "R0.1");
    EXPECT_EQ(entry->sort_key, "ashlar");
    EXPECT_EQ(entry->command_line, "roothash=12 quiet");
    EXPECT_FALSE(read_entry("x.efi.tmp", image));
    EXPECT_FALSE(read_entry("auto-x.efi", image));
    EXPECT_FALSE(read_entry("x.efi", handmade::uki("", "")));
    EXPECT_FALSE(read_entry("x.efi", handmade::uki("NAME=nothing to sort by\n", "")));
    EXPECT_FALSE(read_entry("x.efi", Bytes(4096)));
    EXPECT_FALSE(read_entry("x.efi", Bytes()));
    // Cut off before the section.
    EXPECT_FALSE(read_entry("x.efi", ByteView(image).first(0x400)));
}

TEST(Menu, HasTheNewestReleaseFirst) {
    EXPECT_THAT(order({{"ashlar_R0.2.efi", "R0.2"}, {"ashlar_R0.10.efi", "R0.10"}, {"ashlar_R0.9.efi", "R0.9"}}),
                ElementsAre("ashlar_R0.10.efi", "ashlar_R0.9.efi", "ashlar_R0.2.efi"));
}

// Capitals come before small letters, and the name of a counted one keeps its capitals.
TEST(Menu, HasAnUncountedTwinFirst) {
    EXPECT_THAT(order({{"ashlar_R0.1+3-0.efi", "R0.1"}, {"ashlar_R0.1.efi", "R0.1"}}), ElementsAre("ashlar_R0.1.efi", "ashlar_R0.1+3-0.efi"));
    EXPECT_THAT(order({{"ashlar_R0.1+1-2.efi", "R0.1"}, {"ashlar_R0.1+3-0.efi", "R0.1"}, {"ashlar_R0.1+3-1.efi", "R0.1"}}),
                ElementsAre("ashlar_R0.1+3-0.efi", "ashlar_R0.1+3-1.efi", "ashlar_R0.1+1-2.efi"));
}

TEST(Menu, HasExhaustedEntriesLast) {
    EXPECT_THAT(order({{"ashlar_R0.2+0-3.efi", "R0.2"}, {"ashlar_R0.1.efi", "R0.1"}}), ElementsAre("ashlar_R0.1.efi", "ashlar_R0.2+0-3.efi"));
    EXPECT_THAT(order({{"ashlar_R0.2+1-2.efi", "R0.2"}, {"ashlar_R0.1.efi", "R0.1"}}), ElementsAre("ashlar_R0.2+1-2.efi", "ashlar_R0.1.efi"));
    EXPECT_THAT(order({{"ashlar_R0.2+0-3.efi", "R0.2"}, {"ashlar_R0.1+0-3.efi", "R0.1"}}), ElementsAre("ashlar_R0.2+0-3.efi", "ashlar_R0.1+0-3.efi"));
}

} // namespace

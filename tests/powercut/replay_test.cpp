// Which states a log can leave a disk in. A sector's content is one letter here.

#include "replay.hpp"

#include <gmock/gmock.h>

#include <set>

using namespace powercut;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::UnorderedElementsAre;

namespace {

Bytes sectors(std::string_view letters) {
    Bytes bytes;
    for (const char letter : letters) bytes.resize(bytes.size() + sector_size, static_cast<std::byte>(letter));
    return bytes;
}

// What can be on a disk of four sectors; '.' is a zero.
std::set<std::string> states(const Log& log, const Plan& plan = {}) {
    Disk disk(log, 4);
    std::set<std::string> found;
    std::map<Disk::Fingerprint, std::string> by_fingerprint;
    Replay(log, disk, plan, [](std::uint64_t) { return true; }).run([&](const Cut&) {
        std::string text;
        for (std::uint64_t i = 0; i < 4; ++i) {
            const char letter = static_cast<char>(disk.sector(i)[0]);
            text += letter == '\0' ? '.' : letter;
        }
        found.insert(text);
        // One fingerprint, one content.
        EXPECT_EQ(by_fingerprint.emplace(disk.fingerprint(), text).first->second, text);
    });
    EXPECT_EQ(by_fingerprint.size(), found.size());
    return found;
}

TEST(Replay, LosesNothingThatWasFlushedBefore) {
    Log log;
    log.write(0, sectors("a"));
    log.flush();
    log.write(1, sectors("b"));
    EXPECT_THAT(states(log), UnorderedElementsAre("....", "a...", "ab.."));
}

TEST(Replay, KeepsAnySubsetOfWhatWasNotFlushed) {
    Log log;
    log.write(0, sectors("a"));
    log.write(1, sectors("b"));
    log.write(2, sectors("c"));
    EXPECT_THAT(states(log), UnorderedElementsAre("a...", ".b..", "..c.", "ab..", "a.c.", ".bc.", "abc."));
}

TEST(Replay, TearsAWriteAtAnySector) {
    Log log;
    log.write(0, sectors("abcd"));
    EXPECT_THAT(states(log), UnorderedElementsAre("....", "a...", "ab..", "abc.", ".bcd", "..cd", "...d", "abcd"));
}

TEST(Replay, NeverShowsAnOlderContentOfASectorWhoseNewerOneIsKept) {
    Log log;
    log.write(0, sectors("ab"));
    log.write(1, sectors("c"));
    EXPECT_THAT(states(log), UnorderedElementsAre("a...", ".b..", "ab..", "ac..", ".c.."));
}

TEST(Replay, GivesBackWhatAMissingWriteHadCovered) {
    Log log;
    log.write(0, sectors("x"));
    log.flush();
    log.write(0, sectors("a"));
    log.write(0, sectors("b"));
    EXPECT_THAT(states(log), UnorderedElementsAre("....", "x...", "a...", "b..."));
}

TEST(Replay, ZeroesWhatWasDiscarded) {
    Log log;
    log.write(0, sectors("abcd"));
    log.flush();
    std::vector<Entry> entries = log.entries();
    entries.push_back({.kind = Entry::Kind::discard, .sector = 1, .count = 2});
    EXPECT_THAT(states(log.with(entries)), Contains("a..d"));
}

TEST(Replay, SamplesWhereThereAreTooManySubsets) {
    Log log;
    for (std::uint64_t i = 0; i < 4; ++i) log.write(i, sectors("a"));
    EXPECT_EQ(states(log).size(), 15U);
    const auto few = states(log, {.exhaustive = 3, .samples = 0});
    // Prefixes, one missing, one alone, suffixes.
    EXPECT_EQ(few.size(), 4 + 3 + 3 + 1U);
    EXPECT_THAT(few, Not(Contains("a..a")));
}

TEST(Disk, CountsACollapsedPartAsOneThing) {
    Log log;
    log.write(0, sectors("a"));
    log.write(1, sectors("b"));
    log.write(3, sectors("d"));
    Disk disk(log, 4);
    disk.collapse("part", {0, 3}, std::make_shared<const Content>(content_of(sectors("ab"))));
    disk.ignore({3, 4});
    std::set<Disk::Fingerprint> fingerprints;
    std::set<bool> complete;
    Replay(log, disk, {}, [](std::uint64_t) { return true; }).run([&](const Cut&) {
        fingerprints.insert(disk.fingerprint());
        complete.insert(disk.complete("part").value());
    });
    EXPECT_EQ(fingerprints.size(), 2U);
    EXPECT_THAT(complete, ElementsAre(false, true));
    EXPECT_EQ(disk.complete("another"), std::nullopt);
}

} // namespace

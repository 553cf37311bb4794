#include <documents/changelog.hpp>

#include <rapidcheck/gtest.h>

using namespace ashlar::documents;

namespace {

constexpr std::string_view sample = "openssl (3.5.9-1~deb13u1) trixie-security; urgency=high\n"
                                    "\n"
                                    "  * Fix a use after free (CVE-2026-1001, CVE-2026-100234).\n"
                                    "  * Closes the rest of CVE-2026-1001.\n"
                                    "\n"
                                    " -- A Maintainer <a@example.org>  Thu, 01 Oct 2026 10:00:00 +0000\n"
                                    "\n"
                                    "openssl (3.5.8-1) unstable; urgency=medium\n"
                                    "\n"
                                    "  * New release. CVE-2026-99 is no id, nor is CVE-26-1234.\n"
                                    "\n"
                                    " -- A Maintainer <a@example.org>  Wed, 02 Sep 2026 10:00:00 +0000\n";

} // namespace

TEST(Changelog, HasEntriesWithTheirLines) {
    const auto entries = parse_changelog(sample);
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].source, "openssl");
    EXPECT_EQ(entries[0].version, "3.5.9-1~deb13u1");
    EXPECT_EQ(entries[0].line, 1u);
    EXPECT_EQ(entries[1].version, "3.5.8-1");
    EXPECT_EQ(entries[1].line, 8u);
}

TEST(Changelog, NamesEachVulnerabilityOnceWithItsLine) {
    const auto entries = parse_changelog(sample);
    const std::string line = "* Fix a use after free (CVE-2026-1001, CVE-2026-100234).";
    EXPECT_EQ(vulnerabilities_in(entries[0]), (std::vector<Mention>{{"CVE-2026-1001", 3, line}, {"CVE-2026-100234", 3, line}}));
    EXPECT_EQ(vulnerabilities_in(entries[1]), std::vector<Mention>{});
}

TEST(Changelog, WhatIsNotInTheFormBelongsToTheEntryAbove) {
    const auto entries = parse_changelog("nothing yet\nfoo (1-1) a b; urgency=low\r\n  CVE-2020-0001\nOld Changelog:\nbar (no version; x\n CVE-2020-0002");
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(vulnerabilities_in(entries[0]).size(), 2u);
    EXPECT_TRUE(parse_changelog("").empty());
    EXPECT_TRUE(parse_changelog("just text\n").empty());
}

RC_GTEST_PROP(Changelog, EveryIdThatIsWrittenIsFound, (const std::vector<unsigned short>& numbers)) {
    std::string text = "foo (1-1) sid; urgency=low\n";
    std::vector<std::string> ids;
    for (const unsigned number : numbers) {
        const std::string id = fmt::format("CVE-2026-{:04}", number);
        text += fmt::format("  * about {}{}\n", id, number % 2 == 0 ? "." : ", and more");
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
    std::vector<std::string> found;
    for (const auto& mention : vulnerabilities_in(parse_changelog(text).front())) found.push_back(mention.id);
    RC_ASSERT(found == ids);
}

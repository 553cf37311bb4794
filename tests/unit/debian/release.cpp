#include <debian/release.hpp>

#include <base/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>

using namespace ashlar;
using namespace ashlar::debian;
using testing::ElementsAre;

namespace {

const std::string digest(64, 'a');

// A small but complete Release, with more fields or another list.
std::string release_text(const std::string& more = {},
                         const std::string& files = " " + digest + " 12 main/binary-amd64/Packages.xz\n") {
    return "Origin: Example\nLabel: Example\nSuite: stable\nCodename: trixie\nDate: Sat, 21 Nov 2026 09:15:44 UTC\n" +
           more + "SHA256:\n" + files;
}

std::string error_of(const std::string& text) {
    try {
        (void)parse_release(text, "InRelease");
    } catch (const Error& error) {
        return error.render();
    }
    return "no error";
}

} // namespace

TEST(Release, ReadsWhatASuiteSays) {
    const Release release = parse_release(
        release_text(
            "Version: 13.8\nValid-Until: Sat, 28 Nov 2026 09:15:44 UTC\nAcquire-By-Hash: yes\nNotAutomatic: yes\n"
            "ButAutomaticUpgrades: yes\nArchitectures: all amd64\nComponents: main contrib\n"),
        "InRelease");
    EXPECT_EQ(release.origin, "Example");
    EXPECT_EQ(release.label, "Example");
    EXPECT_EQ(release.suite, "stable");
    EXPECT_EQ(release.codename, "trixie");
    EXPECT_EQ(release.version, "13.8");
    EXPECT_EQ(release.date, 1795252544);
    EXPECT_EQ(release.valid_until, 1795252544 + 7 * 86400);
    EXPECT_TRUE(release.acquire_by_hash);
    EXPECT_TRUE(release.not_automatic);
    EXPECT_TRUE(release.but_automatic_upgrades);
    EXPECT_THAT(release.architectures, ElementsAre("all", "amd64"));
    EXPECT_THAT(release.components, ElementsAre("main", "contrib"));
    ASSERT_NE(release.find("main/binary-amd64/Packages.xz"), nullptr);
    EXPECT_EQ(release.find("main/binary-amd64/Packages.xz")->size, 12u);
    EXPECT_EQ(release.find("main/binary-amd64/Packages.xz")->sha256.hex(), digest);
    EXPECT_EQ(release.find("main/binary-arm64/Packages.xz"), nullptr);
}

TEST(Release, WhatIsNotSaidIsNot) {
    const Release release = parse_release(release_text(), "InRelease");
    EXPECT_EQ(release.valid_until, std::nullopt);
    EXPECT_FALSE(release.acquire_by_hash);
    EXPECT_FALSE(release.not_automatic);
    EXPECT_FALSE(release.but_automatic_upgrades);
    EXPECT_FALSE(release.separate_all_index);
}

TEST(Release, TheIndexOfAllIsSeparateUnlessTheArchiveSaysOtherwise) {
    EXPECT_TRUE(parse_release(release_text("Architectures: all amd64\n"), "InRelease").separate_all_index);
    EXPECT_FALSE(parse_release(release_text("Architectures: amd64\n"), "InRelease").separate_all_index);
    EXPECT_FALSE(parse_release(release_text("Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\n"),
                               "InRelease")
                     .separate_all_index);
}

TEST(Release, RefusesWhatItCannotTrust) {
    EXPECT_EQ(error_of("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + release_text()),
              "cannot parse 'InRelease': its signature is still around it\n"
              "  hint: check the signature first and pass on the text that gpgv puts out");
    EXPECT_EQ(error_of(""), "cannot parse 'InRelease': there is no field in it");
    EXPECT_EQ(error_of("Suite: stable\n\nDate: x\n"),
              "cannot parse 'InRelease:3': expected one paragraph, here begins another");
    EXPECT_EQ(error_of("Date: Sat, 21 Nov 2026 09:15:44 UTC\nSHA256:\n"),
              "cannot parse 'InRelease': field Suite or Codename is missing");
    EXPECT_EQ(error_of("Suite: stable\nSHA256:\n"), "cannot parse 'InRelease': field Date is missing");
    EXPECT_EQ(error_of("Suite: stable\nDate: Sat, 21 Nov 2026 09:15:44 UTC\n"),
              "cannot parse 'InRelease': field SHA256 is missing");
    EXPECT_EQ(error_of("Suite: stable\nDate: yesterday\nSHA256:\n"),
              "cannot parse 'InRelease:2': 'yesterday' in field Date is not a date");
    EXPECT_EQ(error_of(release_text("Valid-Until: never\n")),
              "cannot parse 'InRelease:6': 'never' in field Valid-Until is not a date");
    EXPECT_EQ(error_of(release_text("NotAutomatic: maybe\n")),
              "cannot parse 'InRelease:6': field NotAutomatic must be 'yes' or 'no', not 'maybe'");
}

TEST(Release, RefusesAListOfFilesThatIsNone) {
    const auto error = [](const std::string& files) { return error_of(release_text("", files)); };
    EXPECT_EQ(error(" abc 1 x\n"), "cannot parse 'InRelease:7': 'abc' is not a SHA-256 digest");
    EXPECT_EQ(error(" " + digest + " 1 a\n " + digest + " -1 x\n"), "cannot parse 'InRelease:8': '-1' is not a size");
    EXPECT_EQ(error(" " + digest + " 1\n"), "cannot parse 'InRelease:7': expected '<sha256> <size> <path>'");
    EXPECT_EQ(error(" " + digest + " 1 ../x\n"), "cannot parse 'InRelease:7': the path '../x' leaves the suite");
    EXPECT_EQ(error(" " + digest + " 1 /x\n"), "cannot parse 'InRelease:7': the path '/x' leaves the suite");
    EXPECT_EQ(error(" " + digest + " 1 a//x\n"), "cannot parse 'InRelease:7': the path 'a//x' leaves the suite");
    EXPECT_EQ(error(" " + digest + " 1 x\n " + digest + " 2 x\n"),
              "cannot parse 'InRelease:8': 'x' is listed twice with different content");
    EXPECT_EQ(error(" " + digest + " 1 x\n " + digest + " 1 x\n"), "no error");
}

TEST(Date, IsReadAsRfc5322WritesIt) {
    EXPECT_EQ(parse_date("Thu, 01 Jan 1970 00:00:00 UTC"), 0);
    EXPECT_EQ(parse_date("Sat, 21 Nov 2026 09:15:44 UTC"), 1795252544);
    EXPECT_EQ(parse_date("Sat, 21 Nov 2026 11:15:44 +0200"), 1795252544);
    EXPECT_EQ(parse_date("Sat, 21 Nov 2026 05:45:44 -0330"), 1795252544);
    EXPECT_EQ(parse_date("21 Nov 2026 09:15:44 GMT"), 1795252544);
    EXPECT_EQ(parse_date("Sat, 21 Nov 2026  9:15:44 UTC"), 1795252544);
    EXPECT_EQ(parse_date("Thu, 29 Feb 2024 12:00 Z"), 1709208000);
    EXPECT_EQ(parse_date("Mon, 1 Jan 1900 00:00:00 UTC"), -2208988800);
}

TEST(Date, IsRefusedOtherwise) {
    for (const char* bad :
         {"", "Sat, 21 Nov 2026", "Sat, 32 Nov 2026 09:15:44 UTC", "Sat, 29 Feb 2025 09:15:44 UTC",
          "Sat, 21 Okt 2026 09:15:44 UTC", "Sat, 21 Nov 26 09:15:44 UTC", "Sat, 21 Nov 2026 24:15:44 UTC",
          "Sat, 21 Nov 2026 09:15:44", "Sat, 21 Nov 2026 09:15:44 PST", "Sam, 21 Nov 2026 09:15:44 UTC",
          "2026-11-21T09:15:44Z", "Sat, 21 Nov 2026 09:15:44 +02", "Sat, -1 Nov 2026 09:15:44 UTC"})
        EXPECT_EQ(parse_date(bad), std::nullopt) << bad;
}

TEST(Date, DoesNotDependOnTheLocale) {
    const char* const before = std::setlocale(LC_ALL, nullptr);
    const std::string saved = before == nullptr ? "C" : before;
    for (const char* locale : {"de_DE.UTF-8", "tr_TR.UTF-8", "C.UTF-8"}) std::setlocale(LC_ALL, locale);
    EXPECT_EQ(parse_date("Sat, 21 Nov 2026 09:15:44 UTC"), 1795252544);
    std::setlocale(LC_ALL, saved.c_str());
}

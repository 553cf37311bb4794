#include "samples.hpp"

#include <diff/closed.hpp>

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::diff;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

documents::PackageDocuments changelog(std::string text) { return {.texts = {{"changelog.Debian", std::move(text)}}, .links = {}, .licences = {}, .licence_links = {}}; }

// The only documents there are: those of `package`.
ClosedVulnerabilities closed(const std::string& package, const documents::PackageDocuments& known) {
    const auto difference = compare_releases({samples::before()}, {samples::after()});
    documents::Library library(packages_of({samples::after()}), {[&](const evidence::ManifestPackage& asked) { return asked.name == package ? std::optional(known) : std::nullopt; }});
    return closed_vulnerabilities(difference, library);
}

constexpr const char* two_entries = "openssl (3.5.9-1) unstable; urgency=high\n\n  * CVE-2026-1002\n  * CVE-2026-1001 and CVE-2026-1002\n\n"
                                    "openssl (3.5.8-1) unstable; urgency=high\n\n  * CVE-2026-1000\n";

} // namespace

TEST(Closed, NamedInEntriesNewerThanTheOldVersion) {
    const auto found = closed("libssl3", changelog(two_entries));
    EXPECT_THAT(found.closed, ElementsAre(ClosedVulnerability{"CVE-2026-1001", "openssl", "3.5.9-1", "libssl3", 4, "* CVE-2026-1001 and CVE-2026-1002"},
                                          ClosedVulnerability{"CVE-2026-1002", "openssl", "3.5.9-1", "libssl3", 3, "* CVE-2026-1002"}));
    EXPECT_THAT(found.unread, IsEmpty());
    EXPECT_THAT(found.doubtful, IsEmpty());
    EXPECT_EQ(found.sources, 1u); // the downgraded one is none
}

TEST(Closed, AnyPackageOfTheSourceWillDo) { EXPECT_EQ(closed("openssl", changelog(two_entries)).closed.size(), 2u); }

TEST(Closed, AChangelogThatIsCutOffIsDoubtful) {
    const auto found = closed("openssl", changelog("openssl (3.5.9-1) unstable; urgency=high\n\n  * CVE-2026-1002\n"));
    EXPECT_EQ(found.closed.size(), 1u);
    EXPECT_THAT(found.doubtful, ElementsAre(Gap{"openssl", "its changelog begins with 3.5.9-1, which is newer than the old version 3.5.8-1"}));
}

TEST(Closed, WhatCannotBeReadIsNamed) {
    EXPECT_THAT(closed("other", {}).unread, ElementsAre(Gap{"openssl", "neither its .deb is in the store nor its documents are in the image"}));
    EXPECT_THAT(closed("openssl", changelog("no changelog")).unread,
                ElementsAre(Gap{"openssl", "neither its .deb is in the store nor its documents are in the image; the changelog of 'openssl' is not in Debian's form"}));
}

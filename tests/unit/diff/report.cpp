// Complete reports: tests/golden/diff/*. ASHLAR_UPDATE_GOLDEN=1 writes them anew.

#include "samples.hpp"

#include <diff/report.hpp>

#include <base/file.hpp>

#include <gtest/gtest.h>

#include <cstdlib>

using namespace ashlar;
using namespace ashlar::diff;

namespace {

void expect_golden(const std::string& name, const std::string& actual) {
    const std::filesystem::path path = std::filesystem::path(ASHLAR_SOURCE_DIR "/tests/golden/diff") / name;
    if (std::getenv("ASHLAR_UPDATE_GOLDEN") != nullptr)
        write_file(path, actual);
    else
        EXPECT_EQ(actual, read_file(path));
}

ClosedVulnerabilities closed() {
    return {{{"CVE-2026-1001", "openssl", "3.5.9-1", "libssl3", 3, "* Fix `it` | CVE-2026-1001, CVE-2026-1002"}, {"CVE-2026-1002", "openssl", "3.5.9-1", "libssl3", 3, "* Fix `it` | CVE-2026-1001, CVE-2026-1002"}},
            {{"bash", "no 'changelog.Debian' in the package"}},
            {{"openssl", "its changelog begins with 3.5.9-1, which is newer than the old version 3.5.8-1"}},
            2};
}

} // namespace

TEST(Report, OfOneImage) {
    const auto difference = compare_releases({samples::before()}, {samples::after()});
    const auto vulnerabilities = closed();
    const Report report{difference, vulnerabilities, std::vector<policy::Finding>{{"changes.downgrades", "bash", "it goes back from 5.2-1 to 5.1-1, in base"}}};
    expect_golden("one-image.md", notes(report));
    expect_golden("one-image.txt", to_text(report));
    expect_golden("one-image.json", pretty(to_json(report)));
}

TEST(Report, OfSeveralImages) {
    auto difference = compare_releases({samples::before(), samples::before("compute"), samples::before("storage")}, {samples::after(), samples::after("compute"), samples::after("network")});
    const auto vulnerabilities = closed();
    expect_golden("several-images.md", notes({difference, vulnerabilities, std::nullopt}));
}

TEST(Report, OfNothing) {
    const ImageFacts same = samples::before();
    const auto difference = compare_releases({same}, {same});
    const ClosedVulnerabilities none;
    expect_golden("nothing.md", notes({difference, none, std::vector<policy::Finding>()}));
}

// What a package is called, or says, is no markup.
TEST(Report, NamesAreNoMarkup) {
    samples::Image image("base", "R0.1");
    image.file("etc/<b>|`x`\n# y", "1");
    const auto difference = compare_releases({samples::Image("base", "R0.0").done()}, {image.done()});
    const std::string text = notes({difference, {}, std::nullopt});
    EXPECT_NE(text.find("| `/etc/<b>\\|'x' # y` | added |"), std::string::npos) << text;
}

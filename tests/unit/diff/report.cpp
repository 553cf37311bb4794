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

TEST(Report, WithWhatTheSecurityTrackerSays) {
    const auto difference = compare_releases({samples::before()}, {samples::after()});
    const auto closed_ones = closed();
    const auto finding = [](std::string id, std::string version, std::optional<std::string> fixed) {
        using Finding = vulnerabilities::Finding;
        return Finding{Finding::State::open, std::move(id), "openssl", std::move(version), "trixie", "high", std::move(fixed), std::nullopt, "", {{"base", "libssl3", "1", sha256("libssl3"), ""}}};
    };
    Report report{difference, closed_ones, std::nullopt};
    report.tracked = vulnerabilities::Step{"trixie", "trixie", {finding("CVE-2026-7001", "3.5.9-1", "3.5.9-2")}, {finding("CVE-2026-7002", "3.5.9-1", std::nullopt)}, {finding("CVE-2026-1001", "3.5.8-1", "3.5.9-1")}};
    expect_golden("tracker.md", notes(report));
    expect_golden("tracker.txt", to_text(report));
    const Json json = to_json(report);
    EXPECT_EQ(json.at("tracker").at("opened").at(0).at("id"), "CVE-2026-7001");
    EXPECT_EQ(json.at("tracker").at("still_open").at(0).at("fixed_version"), nullptr);
    expect_golden("tracker-alone.md", tracked_notes(*report.tracked));
    EXPECT_FALSE(to_json({difference, closed_ones, std::nullopt}).contains("tracker"));
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

#include <vulnerabilities/assessment.hpp>
#include <vulnerabilities/exchange.hpp>
#include <vulnerabilities/step.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <gmock/gmock.h>

#include <cstdlib>


using namespace ashlar;
using namespace ashlar::vulnerabilities;
using testing::ElementsAre;

namespace {

constexpr std::string_view snapshot = R"({
  "openssl": {
    "CVE-2026-1001": {"description": "Use after free", "scope": "remote", "releases": {"trixie": {"status": "resolved", "repositories": {"trixie": "3.5.9-1"}, "fixed_version": "3.5.9-1", "urgency": "high"}}},
    "CVE-2026-1002": {"releases": {"trixie": {"status": "resolved", "fixed_version": "3.5.8-1", "urgency": "medium"}}},
    "CVE-2026-1003": {"releases": {"trixie": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"}}},
    "CVE-2026-1004": {"releases": {"sid": {"status": "open", "urgency": "high"}}}
  },
  "linux": {
    "CVE-2026-2001": {"releases": {"trixie": {"status": "open", "urgency": "not yet assigned", "nodsa": "Minor issue", "nodsa_reason": ""}}},
    "CVE-2026-2002": {"releases": {"trixie": {"status": "undetermined", "urgency": "low**"}}},
    "CVE-2026-2003": {"releases": {"trixie": {"status": "resolved", "fixed_version": "6.12.118-1", "urgency": "high"}}}
  },
  "newer": {
    "CVE-2026-3001": {"releases": {"trixie": {"status": "resolved", "fixed_version": "1.0-1", "urgency": "low"}, "sid": {"status": "resolved", "fixed_version": "2.0-2", "urgency": "low"}}}
  },
  "unwanted": 7
})";

lock::Package locked(const evidence::ManifestPackage& package, std::string archive) {
    return {package.name, package.version, package.architecture, std::move(archive), "main", package.name + ".deb", 1, package.sha256, package.source, package.source_version, {}, {}};
}

Image sample() {
    Image image{{"base", "R0.0", "R0", "amd64", 0, "0.1.0", sha256("lock"), sha256("root"), "6.12", {}, sha256("uki"), sha256("efi"), {}, {}}, {}};
    const auto add = [&](const char* name, const char* version, const char* source, const char* source_version, const char* archive) {
        image.manifest.packages.push_back({name, version, "amd64", source, source_version, sha256(name), {"root"}});
        image.lock.packages.push_back(locked(image.manifest.packages.back(), archive));
    };
    add("ashlard", "0.1", "ashlar", "0.1", "ashlar");
    add("bash", "5.2", "bash", "5.2", "debian");
    add("libssl3", "3.5.8-1", "openssl", "3.5.8-1", "debian");
    add("linux-image-6.12", "6.12.118-1", "linux-signed-amd64", "6.12.118+1", "debian");
    add("newer", "2.0-1~bpo13+1", "newer", "2.0-1~bpo13+1", "debian");
    image.lock.suites.push_back({"debian", "trixie-security", sha256("release"), {}, 0, std::nullopt, {}});
    return image;
}

constexpr const char* serial = "urn:uuid:01020304-0506-8708-890a-0b0c0d0e0f10";

Assessment assessed(const std::string& bill = serial) {
    const Inventory inventory = inventory_of({sample()}, std::vector<std::string>{bill});
    return assess(inventory, Tracker::parse(snapshot, "tracker.json", inventory.names()), "trixie");
}

std::string refusal(std::string_view text) {
    try {
        (void)Tracker::parse(text, "tracker.json", {"foo"});
    } catch (const Error& error) {
        return error.message();
    }
    return "(no error)";
}

} // namespace

TEST(Vulnerabilities, AreJudgedByTheVersionInTheImage) {
    EXPECT_EQ(to_text(assessed(), Listing::everything),
              "CVE-2026-1001      open         high              openssl                  3.5.8-1                  fixed in 3.5.9-1\n"
              "CVE-2026-3001      open         low               newer                    2.0-1                    fixed in 2.0-2\n"
              "CVE-2026-2001      open         not yet assigned  linux                    6.12.118-1               no fix yet\n"
              "CVE-2026-2002      undetermined low**             linux                    6.12.118-1\n"
              "CVE-2026-1003      not affected unimportant       openssl                  3.5.8-1\n"
              "CVE-2026-2003      resolved     high              linux                    6.12.118-1\n"
              "CVE-2026-1002      resolved     medium            openssl                  3.5.8-1\n"
              "3 open, 1 undetermined, 1 not affected, 2 resolved, in trixie\n"
              "not Debian's, not judged: ashlar\n");
    EXPECT_THAT(assessed().unknown, ElementsAre("bash"));
}

TEST(Vulnerabilities, ReleasesOfTheSuites) { EXPECT_THAT(inventory_of({sample()}, std::vector<std::string>{""}).releases, ElementsAre("trixie")); }

TEST(Vulnerabilities, APolicyRefusesThem) {
    policy::VulnerabilityRules rules{.urgencies = {"high", "low"}, .undetermined = policy::Verdict::refuse, .fixable = policy::Verdict::refuse, .waivers = {}};
    const auto subjects = [&] {
        std::vector<std::string> all;
        policy::Waivers waivers(rules.waivers, "2026-11-30");
        for (const auto& one : judge(rules, assessed(), waivers)) all.push_back(one.rule + ": " + one.subject + ": " + one.message);
        return all;
    };
    EXPECT_THAT(subjects(), ElementsAre("vulnerabilities.refuse: CVE-2026-1001 in openssl 3.5.8-1: it is open, urgency 'high'; fixed in 3.5.9-1",
                                        "vulnerabilities.refuse: CVE-2026-3001 in newer 2.0-1: it is open, urgency 'low'; fixed in 2.0-2",
                                        "vulnerabilities.undetermined: CVE-2026-2002 in linux 6.12.118-1: nobody has judged it"));
    rules.waivers = {{"CVE-2026-1001", "openssl", "not reachable", "2027-01-01", {}}, {"CVE-2026-2002", "", "looked at", "2027-01-01", {}}};
    rules.urgencies = {"high"};
    EXPECT_THAT(subjects(), ElementsAre("vulnerabilities.fixable: CVE-2026-3001 in newer 2.0-1: it is open and fixed in 2.0-2"));
}

TEST(Vulnerabilities, AStepOpensAndClosesThem) {
    Image later = sample();
    for (auto& package : later.manifest.packages) {
        if (package.source == "openssl") package.version = package.source_version = "3.5.9-1";
        if (package.source == "linux-signed-amd64") package.version = "6.12.117-1", package.source_version = "6.12.117+1";
    }
    const auto inventory = inventory_of({later}, std::vector<std::string>{""});
    const auto now = assess(inventory, Tracker::parse(snapshot, "tracker.json", inventory.names()), "trixie");
    const auto ids = [](const std::vector<Finding>& findings) {
        std::vector<std::string> all;
        for (const auto& one : findings) all.push_back(one.id + " " + one.version);
        return all;
    };
    const Step forward = step(assessed(), now);
    EXPECT_THAT(ids(forward.opened), ElementsAre("CVE-2026-2003 6.12.117-1")) << "its version went back";
    EXPECT_THAT(ids(forward.still_open), ElementsAre("CVE-2026-3001 2.0-1", "CVE-2026-2001 6.12.117-1"));
    EXPECT_THAT(ids(forward.closed), ElementsAre("CVE-2026-1001 3.5.8-1"));
    const Json json = to_json(forward);
    EXPECT_EQ(json.at("opened").at(0).at("id"), "CVE-2026-2003");
    EXPECT_EQ(json.at("still_open").at(0).at("fixed_version"), "2.0-2");
    EXPECT_EQ(json.at("old_release"), "trixie");
    const Step nothing = step(now, now);
    EXPECT_TRUE(nothing.opened.empty() && nothing.closed.empty());
    EXPECT_EQ(nothing.still_open.size(), 3U);
}

TEST(Vulnerabilities, AsVex) {
    const std::string text = vex(assessed(), sha256(snapshot), nullptr, "2026-11-30");
    EXPECT_EQ(text, vex(assessed(), sha256(snapshot), nullptr, "2026-11-30"));
    const Json json = parse_json(text, "vex");
    const Json& first = json.at("vulnerabilities").at(0);
    EXPECT_EQ(first.at("id"), "CVE-2026-1001");
    EXPECT_EQ(first.at("analysis"), (Json{{"state", "exploitable"}, {"response", {"update"}}}));
    EXPECT_EQ(first.at("affects").at(0).at("ref"), "urn:cdx:01020304-0506-8708-890a-0b0c0d0e0f10/1#deb:libssl3:" + sha256("libssl3").hex().substr(0, 16));
    EXPECT_TRUE(json.at("components").empty());
    const Json alone = parse_json(vex(assessed(""), sha256(snapshot), nullptr, "2026-11-30"), "vex");
    EXPECT_EQ(alone.at("components").size(), 3u);
    EXPECT_EQ(alone.at("vulnerabilities").at(0).at("affects").at(0).at("ref"), alone.at("components").at(0).at("bom-ref"));
}

// Judged by CycloneDX' own validator: tests/unit/evidence/judge.sh brings it.
TEST(Vulnerabilities, ValidatorsAccept) {
    const char* python = std::getenv("ASHLAR_SBOM_PYTHON");
    if (python == nullptr) GTEST_SKIP() << "run by tests/unit/evidence/judge.sh";
    const policy::VulnerabilityRules rules{.urgencies = {}, .waivers = {{"CVE-2026-1001", "", "not reachable", "2027-01-01", {}}}};
    const TemporaryDirectory directory(std::filesystem::temp_directory_path(), "vex-");
    for (const std::string& bill : {std::string(serial), std::string()}) {
        write_file(directory.path() / "image.cdx.json", vex(assessed(bill), sha256(snapshot), &rules, "2026-11-30"));
        const auto outcome = run({.argv = {python, ASHLAR_SOURCE_DIR "/tests/unit/evidence/judge.py", directory.path().native() + "/image"}});
        EXPECT_TRUE(outcome.ok()) << outcome.output << outcome.errors;
        EXPECT_EQ(outcome.output, "cyclonedx: valid\n");
    }
}

TEST(Vulnerabilities, AWaiverIsTheMakersWord) {
    const policy::VulnerabilityRules rules{.urgencies = {}, .waivers = {{"CVE-2026-1001", "", "not reachable", "2027-01-01", {}}}};
    const Json json = parse_json(vex(assessed(), sha256(snapshot), &rules, "2026-11-30"), "vex");
    EXPECT_EQ(json.at("vulnerabilities").at(0).at("analysis"), (Json{{"state", "exploitable"}, {"response", {"will_not_fix"}}, {"detail", "not reachable (until 2027-01-01)"}}));
}

TEST(Tracker, RefusesWhatIsNoSnapshot) {
    EXPECT_EQ(refusal("[]"), "cannot read the security tracker 'tracker.json': it is no object");
    EXPECT_EQ(refusal(R"({"foo": 1})"), "cannot read the security tracker 'tracker.json': foo: it is no object");
    EXPECT_EQ(refusal(R"({"foo": {"CVE-1": {}}})"), "cannot read the security tracker 'tracker.json': foo: CVE-1: 'releases' is missing");
    EXPECT_EQ(refusal(R"({"foo": {"CVE-1": {"releases": {"trixie": {}}}}})"), "cannot read the security tracker 'tracker.json': foo: CVE-1: trixie: 'status' is missing");
    EXPECT_EQ(refusal(R"({"foo": {"CVE-1": {"releases": {"trixie": {"status": "well"}}}}})"), "cannot read the security tracker 'tracker.json': foo: CVE-1: trixie: the status 'well' is not known");
    EXPECT_THAT(refusal("{"), testing::StartsWith("cannot parse 'tracker.json': "));
}

// diff, vulns and licences as their users meet them, on images that are a manifest, a record and a lock.

#include "site.hpp"

#include <gmock/gmock.h>

using namespace ashlar;
using namespace ashlar::command;
using testing::HasSubstr;

namespace {

class Evidence : public testing::Test {
protected:
    Evidence() {
        image("R0.0", "3.5.8-1", "0755");
        image("R0.1", "3.5.9-1", "4755");
        site.write("tracker.json", R"({"openssl": {"CVE-2026-1001": {"releases": {"trixie": {"status": "resolved", "fixed_version": "3.5.9-2", "urgency": "high"}}}}})");
        site.write("policy.toml", "[licences]\nunknown = \"refuse\"\n\n[vulnerabilities]\nrefuse = [\"high\"]\n\n[changes]\nprivileges = \"refuse\"\n");
    }

    void image(const std::string& release, const std::string& version, const std::string& mode) {
        const std::string digest = "sha256:" + std::string(63, '0') + version.at(4), base = "out/ashlar_base_" + release + "_amd64";
        const Json package{{"name", "libssl3"}, {"version", version}, {"architecture", "amd64"}, {"source", "openssl"}, {"source_version", version}, {"digest", digest}, {"parts", {"root"}}};
        const Json artefact{{"file", "ashlar_base_" + release + "_amd64.raw"}, {"digest", digest}, {"size", 4096}};
        site.write(base + ".manifest.json",
                   pretty({{"format", 1}, {"role", "base"}, {"release", release}, {"train", "R0"}, {"architecture", "amd64"}, {"epoch", 1}, {"ashlar", "0.1.0"}, {"lock", digest}, {"root_hash", digest}, {"kernel", "6.12"},
                           {"command_line", {"quiet"}}, {"uki", {{"unsigned", digest}, {"authenticode", digest}}}, {"artefacts", {{"disk", artefact}}}, {"packages", Json::array({package})}}));
        site.write(base + ".tree.json", "{\"format\": 1, \"entries\": [\n" + Json{{"path", "usr/bin/openssl"}, {"type", "file"}, {"mode", mode}, {"uid", 0}, {"gid", 0}, {"mtime", 1}, {"size", 2}, {"package", "libssl3"}}.dump() + "\n]}\n");
        site.write(base + ".lock", "{\n  \"format\": \"ashlar-lock\",\n  \"version\": 1,\n  \"train\": \"R0\",\n  \"architecture\": \"amd64\",\n  \"epoch\": \"2026-11-28T02:53:01Z\",\n  \"roles\": [\"base\"],\n  \"suites\": [\n"
                                   "    {\"archive\": \"debian\", \"suite\": \"trixie\", \"date\": \"2026-11-28T02:53:01Z\", \"in_release\": \"" + digest + "\", \"signers\": [\"04B54C3CDCA79751B16BC6B5225629DF75B188BD\"], \"indices\": []}\n  ],\n"
                                   "  \"folders\": [],\n  \"packages\": [\n    {\"name\": \"libssl3\", \"version\": \"" + version + "\", \"architecture\": \"amd64\", \"roles\": [\"base\"], \"archive\": \"debian\", \"path\": \"libssl3.deb\", \"size\": 1, \"sha256\": \"" +
                                   digest + "\", \"source\": \"openssl\"}\n  ],\n  \"outputs\": {}\n}\n");
    }

    Site site;
};

} // namespace

TEST_F(Evidence, DiffOfReleases) {
    const std::string text = site.answer({"diff", "R0.0", "R0.1"});
    EXPECT_THAT(text, HasSubstr("R0.0 → R0.1\n  Images: base (amd64)\n  Source packages: 1 upgraded\n"));
    EXPECT_THAT(text, HasSubstr("accounts: neither the record of 'ashlar_base_R0.0_amd64' nor a disk image beside it says them"));
    EXPECT_THAT(site.answer({"diff", "R0.0", "out/ashlar_base_R0.1_amd64.manifest.json", "--markdown"}), HasSubstr("# R0.0 → R0.1\n"));
    const Json json = parse_json(site.answer({"diff", "R0.0", "R0.1", "--json", "--policy", "policy.toml"}, 1), "diff");
    EXPECT_EQ(json.at("findings").at(0).at("rule"), "changes.privileges");
    EXPECT_EQ(json.at("closed").at("unread").at(0).at("source"), "openssl");
}

TEST_F(Evidence, DiffOfNothing) {
    EXPECT_EQ(site.refusal({"diff", "R0.0", "R0.7"}, 3), "ashlar: cannot find 'R0.7': it is no image, no directory with images, and no release in 'out'\n"
                                                         "  hint: name an image as `ashlar build` writes it, its directory, or a release such as R0.1\n");
    EXPECT_EQ(site.refusal({"diff", "R0.0"}, 2), "ashlar: cannot read the command line: IMAGE: the old one is named, then the new one\n  hint: see `ashlar diff --help`\n");
    site.remove("out/ashlar_base_R0.1_amd64.tree.json");
    EXPECT_EQ(site.refusal({"diff", "R0.0", "R0.1"}, 3), "ashlar: cannot compare 'out/ashlar_base_R0.1_amd64': there is no record of its root ('.tree.json') beside it\n"
                                                         "  hint: keep the files of a build together\n");
}

TEST_F(Evidence, Vulnerabilities) {
    EXPECT_EQ(site.answer({"vulns", "R0.1", "--tracker", "tracker.json", "--policy", "policy.toml"}, 1),
              "CVE-2026-1001      open         high              openssl                  3.5.9-1                  fixed in 3.5.9-2\n"
              "1 open, 0 undetermined, 0 not affected, 0 resolved, in trixie\n"
              "refused by policy.toml: CVE-2026-1001 in openssl 3.5.9-1: it is open, urgency 'high'; fixed in 3.5.9-2 (vulnerabilities.refuse)\n");
    EXPECT_EQ(site.refusal({"vulns", "R0.1", "--tracker", "tracker.json", "--suite", "forky"}, 3),
              "ashlar: cannot judge the images: 'tracker.json' says nothing about the release 'forky'\n  hint: take a newer snapshot, or name another release with --suite\n");
    EXPECT_EQ(site.answer({"vulns", "R0.1", "--tracker", "tracker.json", "--vex", "vex.json"}), site.answer({"vulns", "R0.1", "--tracker", "tracker.json"}));
    EXPECT_TRUE(fs::exists(site.path() / "vex.json"));
}

TEST_F(Evidence, Licences) {
    EXPECT_EQ(site.answer({"licences", "R0.1", "--policy", "policy.toml"}, 1),
              "libssl3                              3.5.9-1                      unknown: neither its .deb is in the store nor its documents are in the image\n"
              "refused by policy.toml: libssl3: no licence is known: neither its .deb is in the store nor its documents are in the image (licences.unknown)\n");
    EXPECT_EQ(site.refusal({"licences", "R0.1", "--today", "soon"}, 2), "ashlar: cannot use '--today': 'soon' is no day: write it like 2027-06-30\n  hint: see `ashlar licences --help`\n");
}

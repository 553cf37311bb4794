#include "samples.hpp"

#include <evidence/self_description.hpp>

#include <base/json.hpp>
#include <cluster_releases.hpp>

#include <gtest/gtest.h>

#include <fmt/format.h>

using namespace ashlar;

namespace {

evidence::Manifest manifest(const std::string& role) {
    const Digest digest = sha256(role);
    return {.role = role, .release = "R1.0", .train = "R1", .architecture = "amd64", .ashlar = "0.1.0", .lock = digest, .root_hash = digest, .kernel = "6.12.48", .unsigned_uki = digest, .authenticode = digest,
            .artefacts = {{"disk", {role + ".raw", digest, 1}}}, .packages = {{"bash", "5.2", "amd64", "bash", "5.2", digest, {"root"}}}};
}

// A release of which the manifests are known.
ClusterRelease release() {
    ClusterRelease release = samples::cluster_release();
    for (ReleaseImage& image : release.images) {
        image.manifest = sha256(evidence::to_text(manifest(image.role)));
        for (ImageFile& file : image.files)
            if (file.kind == FileKind::manifest) file.sha256 = image.manifest;
    }
    return release;
}

} // namespace

TEST(SelfDescription, SaysWhatTheReleaseIs) {
    const ClusterRelease described = release();
    const std::string text = evidence::self_description({described, {manifest("control"), manifest("compute")}, {{"control", {"MIT", "GPL-2.0-or-later", "MIT"}}}});
    const Json graph = parse_json(text, "self-description")["@graph"];
    ASSERT_EQ(graph.size(), 5u);
    const Json& offering = graph[0];
    EXPECT_EQ(offering["@type"], "gx:ServiceOffering");
    EXPECT_EQ(offering["schema:name"], "Release R1.0 of train R1");
    EXPECT_EQ(offering["schema:dateCreated"], "2023-11-14T22:13:20Z");
    EXPECT_EQ(offering["schema:validThrough"], (Json{{"@type", "xsd:date"}, {"@value", "2028-06-30"}}));
    EXPECT_EQ(offering["gx:aggregationOfResources"], (Json{{{"@id", "#ashlar_compute_R1.0_amd64"}}, {{"@id", "#ashlar_control_R1.0_amd64"}}, {{"@id", "#component-etcd"}}, {{"@id", "#component-nova"}}}));
    EXPECT_EQ(offering["schema:subjectOf"][0]["schema:name"], "notes.md");
    const Json& control = graph[2];
    EXPECT_EQ(control["@type"], "gx:SoftwareResource");
    EXPECT_EQ(control["gx:license"], (Json{"GPL-2.0-or-later", "MIT"}));
    EXPECT_EQ(control["gx:checksum"]["gx:checkSumValue"], sha256("control").hex());
    EXPECT_EQ(control["schema:operatingSystem"], "Linux 6.12.48");
    const std::string bill = "ashlar_control_R1.0_amd64.spdx.json";
    EXPECT_EQ(control["spdx:describesPackage"], (Json::array({{{"@id", fmt::format("{}.{}", sha256(bill).hex(), bill)},
                                                               {"@type", "schema:MediaObject"},
                                                               {"schema:name", bill},
                                                               {"schema:additionalType", "spdx"},
                                                               {"gx:fileSize", 8},
                                                               {"gx:checksum", {{"@type", "gx:CheckSum"}, {"gx:checkSumCalculation", "sha256"}, {"gx:checkSumValue", sha256(bill).hex()}}}}})));
    EXPECT_FALSE(graph[1].contains("gx:license"));
    EXPECT_EQ(graph[3]["schema:validThrough"]["@value"], "2028-06-30");
    EXPECT_EQ(graph[3]["schema:maintainer"]["schema:name"], "Debian Go Packaging Team");
    EXPECT_FALSE(graph[4].contains("schema:validThrough"));
}

TEST(SelfDescription, HasOneText) {
    const ClusterRelease described = release();
    EXPECT_EQ(evidence::self_description({described, {manifest("control"), manifest("compute")}, {{"control", {"MIT", "Zlib"}}}}),
              evidence::self_description({described, {manifest("compute"), manifest("control")}, {{"control", {"Zlib", "MIT", "MIT"}}}}));
}

TEST(SelfDescription, IsOfItsOwnManifests) {
    const ClusterRelease described = release();
    EXPECT_EQ(samples::error_of([&] { (void)evidence::self_description({described, {manifest("control")}, {}}); }),
              "cannot describe release 'R1.0': there is no manifest of image 'compute'\n  hint: take release and manifests from one cut");
    auto other = manifest("compute");
    other.kernel = "6.12.49";
    EXPECT_EQ(samples::error_of([&] { (void)evidence::self_description({described, {manifest("control"), other}, {}}); }),
              "cannot describe release 'R1.0': the manifest of image 'compute' is not the one that the release names\n  hint: take release and manifests from one cut");
}

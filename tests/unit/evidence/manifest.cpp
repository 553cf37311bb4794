#include "samples.hpp"

#include <evidence/manifest.hpp>

#include <base/file.hpp>
#include <base/json.hpp>
#include <image/identifiers.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace ashlar::evidence {
namespace {

using samples::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ManifestText : public testing::Test {
protected:
    ManifestText() {
        const auto lock = samples::lock();
        manifest.packages = packages_of(samples::subject(lock));
    }
    // The text with one thing changed.
    template <typename Change> [[nodiscard]] std::string error_after(Change change) const {
        auto json = parse_json(to_text(manifest), "m");
        change(json);
        return error_of([&] { static_cast<void>(parse_manifest(pretty(json), "image.manifest.json")); });
    }

    Manifest manifest{.role = "base",
                      .release = "R0.1",
                      .train = "R0",
                      .architecture = "amd64",
                      .epoch = 1'700'000'000,
                      .ashlar = "0.1.0",
                      .lock = sha256("lock"),
                      .root_hash = sha256("root"),
                      .kernel = "6.12.1",
                      .command_line = {"panic=10", "roothash=" + sha256("root").hex()},
                      .unsigned_uki = sha256("u"),
                      .authenticode = sha256("a"),
                      .artefacts = {{"disk", {"ashlar_base_R0.1_amd64.raw", sha256("disk"), 1'000'000}},
                                    {"uki", {"ashlar_base_R0.1_amd64.efi", sha256("uki"), 5000}}}};
};

TEST_F(ManifestText, ReadsBack) { EXPECT_EQ(parse_manifest(to_text(manifest), "m"), manifest); }

TEST_F(ManifestText, SaysWhichRootOfMetadataTheImageBrings) {
    EXPECT_FALSE(parse_json(to_text(manifest), "m").contains("trusted_root")) << "manifests of before stay as they are";
    manifest.trusted_root = sha256("1.root.json");
    EXPECT_EQ(parse_json(to_text(manifest), "m").at("trusted_root"), "sha256:" + sha256("1.root.json").hex());
    EXPECT_EQ(parse_manifest(to_text(manifest), "m"), manifest);
    EXPECT_EQ(error_after([](Json& json) { json["trusted_root"] = "1"; }), "cannot read manifest 'image.manifest.json': 'trusted_root' is not 'sha256:' and 64 hexadecimal digits");
}

TEST_F(ManifestText, NamesTheAlgorithmOfEveryDigest) {
    const auto json = parse_json(to_text(manifest), "m");
    EXPECT_EQ(json.at("root_hash"), "sha256:" + sha256("root").hex());
    EXPECT_EQ(json.at("artefacts").at("disk").at("digest"), "sha256:" + sha256("disk").hex());
    EXPECT_EQ(json.at("packages")[2].at("parts"), Json({"initrd", "root"}));
}

TEST_F(ManifestText, IsReadStrictly) {
    EXPECT_EQ(error_after([](Json& json) { json["colour"] = "red"; }),
              "cannot read manifest 'image.manifest.json': unknown key 'colour'");
    EXPECT_EQ(error_after([](Json& json) { json.erase("kernel"); }),
              "cannot read manifest 'image.manifest.json': 'kernel' is missing");
    EXPECT_EQ(error_after([](Json& json) { json["epoch"] = -1; }),
              "cannot read manifest 'image.manifest.json': 'epoch' is no number from 0 on");
    EXPECT_EQ(error_after([](Json& json) { json["role"] = ""; }),
              "cannot read manifest 'image.manifest.json': 'role' is no text");
    EXPECT_EQ(error_after([](Json& json) { json["lock"] = sha256("x").hex(); }),
              "cannot read manifest 'image.manifest.json': 'lock' is not 'sha256:' and 64 hexadecimal digits");
    EXPECT_EQ(error_after([](Json& json) { json["format"] = 2; }),
              "cannot read manifest 'image.manifest.json': its format is 2, this program reads 1\n  hint: use a newer "
              "ashlar");
    EXPECT_EQ(error_after([](Json& json) { json["artefacts"].erase("disk"); }),
              "cannot read manifest 'image.manifest.json': there is no artefact 'disk'");
    EXPECT_EQ(error_after([](Json& json) { json["artefacts"]["disk"]["file"] = "../x"; }),
              "cannot read manifest 'image.manifest.json': artefact 'disk': 'file' is not a plain file name");
    EXPECT_EQ(error_after([](Json& json) { json["packages"][1].erase("digest"); }),
              "cannot read manifest 'image.manifest.json': package 2: 'digest' is missing");
    EXPECT_EQ(error_after([](Json& json) { json["uki"]["more"] = 1; }),
              "cannot read manifest 'image.manifest.json': uki: unknown key 'more'");
    EXPECT_EQ(error_after([](Json& json) { json = Json::array(); }),
              "cannot read manifest 'image.manifest.json': it is no object");
}

class Comparison : public ManifestText {
protected:
    image::Inspection inspection{.size = 1'000'000,
                                 .table = {.disk = image::guid_named("x")},
                                 .programs = {{.path = "EFI/Linux/a.efi", .authenticode = sha256("a").hex()}},
                                 .uki = "EFI/Linux/a.efi",
                                 .os_release = {{"VARIANT_ID", "base"}, {"IMAGE_VERSION", "R0.1"}},
                                 .command_line = "panic=10 roothash=" + sha256("root").hex(),
                                 .kernel_version = "6.12.1",
                                 .root_hash = sha256("root")};
};

TEST_F(Comparison, TheImageThatWasBuiltAgrees) {
    EXPECT_THAT(compare(manifest, inspection, sha256("disk")), IsEmpty());
}

TEST_F(Comparison, EveryDifferenceIsNamed) {
    inspection.os_release["IMAGE_VERSION"] = "R0.0";
    inspection.root_hash = sha256("other");
    inspection.programs.clear();
    EXPECT_THAT(
        compare(manifest, inspection, sha256("changed")),
        ElementsAre("the digest is '" + sha256("changed").hex() + "', the manifest says '" + sha256("disk").hex() + "'",
                    "the release is 'R0.0', the manifest says 'R0.1'",
                    "the root hash is '" + sha256("other").hex() + "', the manifest says '" + sha256("root").hex() +
                        "'",
                    "the UKI's Authenticode digest is '', the manifest says '" + sha256("a").hex() + "'"));
}

class Files : public ManifestText {
protected:
    Files() {
        manifest.lock = put(".lock", "the lock");
        for (const auto& [kind, suffix] :
             {std::pair{"uki", ".efi"}, {"spdx", ".spdx.json"}, {"cyclonedx", ".cdx.json"}, {"packages", ".packages"}})
            manifest.artefacts.insert_or_assign(
                kind, Artefact{base + suffix, put(suffix, kind), std::string_view(kind).size()});
    }
    Digest put(std::string_view suffix, std::string_view contents) const {
        write_file(directory.path() / (base + std::string(suffix)), contents);
        return sha256(contents);
    }
    [[nodiscard]] std::vector<std::string> faults() const { return compare_files(manifest, directory.path()); }
    [[nodiscard]] std::string another(std::string_view suffix, std::string_view is, std::string_view said) const {
        return fmt::format("'{}{}' has the digest '{}', the manifest says '{}'", base, suffix, sha256(is).hex(),
                           sha256(said).hex());
    }

    const std::string base = "ashlar_base_R0.1_amd64";
    TemporaryDirectory directory{std::filesystem::temp_directory_path()};
};

// The disk is not among them: compare() takes its digest.
TEST_F(Files, ThatWereWrittenAgree) { EXPECT_THAT(faults(), IsEmpty()); }

TEST_F(Files, ThatWereChangedAreNamed) {
    put(".spdx.json", "spdy");
    put(".cdx.json", "longer than it was");
    put(".packages", "package?");
    put(".efi", "ukj");
    put(".lock", "another lock");
    EXPECT_THAT(faults(),
                ElementsAre("'ashlar_base_R0.1_amd64.cdx.json' has 18 bytes, the manifest says 9",
                            another(".packages", "package?", "packages"), another(".spdx.json", "spdy", "spdx"),
                            another(".efi", "ukj", "uki"), another(".lock", "another lock", "the lock")));
}

TEST_F(Files, ThatAreMissingAreNamed) {
    std::filesystem::remove(directory.path() / (base + ".packages"));
    EXPECT_THAT(faults(), ElementsAre("'ashlar_base_R0.1_amd64.packages' is not there, the manifest names it"));
}

} // namespace
} // namespace ashlar::evidence

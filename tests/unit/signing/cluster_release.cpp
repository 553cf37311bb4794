#include "samples.hpp"

#include <base/json.hpp>
#include <cluster_releases.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include <fmt/format.h>

using namespace ashlar;

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

TEST(ClusterRelease, ReadsWhatItWrote) {
    const ClusterRelease release = samples::cluster_release();
    const std::string text = cluster_release_text(release);
    const ClusterRelease read = parse_cluster_release(text, "R1.0");
    EXPECT_EQ(read, release);
    EXPECT_EQ(cluster_release_text(read), text);
    EXPECT_EQ(read.image("control", "amd64")->index.uki.file, "ashlar_control_R1.0_amd64.efi");
    EXPECT_EQ(read.image("control", "arm64"), nullptr);
    EXPECT_EQ(read.component("nova")->package_version, "2:31.0.0-6");
    EXPECT_EQ(read.component("ceph"), nullptr);
}

TEST(ClusterRelease, ItsTopIsAsThePageSays) {
    const Json json = parse_json(cluster_release_text(samples::cluster_release()), "R1.0");
    EXPECT_EQ(json["format"], 1);
    EXPECT_EQ(json["train"], "R1");
    EXPECT_EQ(json["support"], (Json{{"from", "2026-12-01"}, {"until", "2028-06-30"}}));
    EXPECT_EQ(json["previous"], (Json{"R0.4", "R0.5"}));
    EXPECT_EQ(json["floors"], (Json{"R0.4"}));
    EXPECT_EQ(json["images"][0]["index"]["uki"]["file"], "ashlar_compute_R1.0_amd64.efi");
    EXPECT_EQ(json["images"][0]["files"][0]["kind"], "delta");
    EXPECT_FALSE(json["components"][1].contains("maintained_until"));
    EXPECT_EQ(json["evidence"][0]["kind"], "notes");
}

// What is put together in any order is written in one.
RC_GTEST_PROP(ClusterRelease, HasOneTextWhateverTheOrder, ()) {
    ClusterRelease release = samples::cluster_release();
    release.previous = *rc::gen::map(rc::gen::container<std::set<unsigned>>(rc::gen::inRange(0U, 1000U)), [](const std::set<unsigned>& numbers) {
        std::vector<ReleaseOrigin> origins;
        for (const unsigned number : numbers) origins.push_back({{'R', 0}, number == 0 ? std::nullopt : std::optional<std::uint64_t>(number)});
        return origins;
    });
    release.accept.clear();
    for (const auto& subject : *rc::gen::container<std::set<std::string>>(rc::gen::nonEmpty(rc::gen::string<std::string>())))
        if (std::ranges::all_of(subject, [](char c) { return c >= ' ' && c < 0x7f; })) release.accept.push_back({"set-id", subject, "known"});
    const std::string text = cluster_release_text(release);
    std::ranges::reverse(release.previous);
    std::ranges::reverse(release.images);
    std::ranges::reverse(release.components);
    std::ranges::reverse(release.accept);
    for (ReleaseImage& image : release.images) std::ranges::reverse(image.files);
    RC_ASSERT(cluster_release_text(release) == text);
    const ClusterRelease read = parse_cluster_release(text, "text");
    sort(release);
    RC_ASSERT(read == release);
    RC_ASSERT(cluster_release_text(read) == text);
}

RC_GTEST_PROP(ClusterRelease, AChangedByteIsRefusedOrAnotherRelease, ()) {
    static const ClusterRelease release = samples::cluster_release();
    static const std::string good = cluster_release_text(release);
    std::string text = good;
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = *rc::gen::arbitrary<char>();
    try {
        RC_ASSERT(text == good || parse_cluster_release(text, "text") != release);
    } catch (const Error&) {
    }
}

class Refused : public testing::Test {
protected:
    // The whole error after a change of the JSON.
    static std::string by(const std::function<void(Json&)>& change) {
        Json json = parse_json(cluster_release_text(samples::cluster_release()), "R1.0");
        change(json);
        return first_line(samples::error_of([&] { (void)parse_cluster_release(pretty(json), "R1.0"); }));
    }
    static std::string cause(const std::function<void(Json&)>& change) {
        constexpr std::string_view start = "cannot read the release 'R1.0': ";
        const std::string text = by(change);
        return text.starts_with(start) ? text.substr(start.size()) : "other: " + text;
    }
};

TEST_F(Refused, TextThatIsNoRelease) {
    EXPECT_EQ(samples::error_of([] { (void)parse_cluster_release("[]", "x"); }),
              "cannot read the release 'x': the release is not an object\n  hint: is it what `ashlar release cut` wrote, and complete?");
    EXPECT_TRUE(samples::error_of([] { (void)parse_cluster_release("", "x"); }).starts_with("cannot parse 'x': "));
    EXPECT_EQ(cause([](Json& json) { json["format"] = 2; }), "its format is 2, this program reads 1");
}

TEST_F(Refused, KeysAndTypes) {
    EXPECT_EQ(cause([](Json& json) { json["colour"] = 1; }), "the release: unknown key 'colour'");
    EXPECT_EQ(cause([](Json& json) { json.erase("floors"); }), "the release: 'floors' is missing");
    EXPECT_EQ(cause([](Json& json) { json["release"] = "R1.00"; }), "the release: 'release': 'R1.00' is no release, such as R1.0");
    EXPECT_EQ(cause([](Json& json) { json["train"] = "R2"; }), "the release: 'train' is not the release's");
    EXPECT_EQ(cause([](Json& json) { json["epoch"] = -1; }), "the release: 'epoch' is no number from 0 on");
    EXPECT_EQ(cause([](Json& json) { json["epoch"] = std::uint64_t{1} << 63; }), "the release: 'epoch' is too large");
    EXPECT_EQ(cause([](Json& json) { json["images"] = 1; }), "the release: 'images' is no list");
    EXPECT_EQ(cause([](Json& json) { json["images"][1] = 1; }), "image 2 is not an object");
    EXPECT_EQ(cause([](Json& json) { json["images"][1]["x"] = 1; }), "image 2: unknown key 'x'");
    EXPECT_EQ(cause([](Json& json) { json["images"][0]["manifest"] = "00"; }), "image 1: 'manifest' is no SHA-256 digest");
    EXPECT_EQ(cause([](Json& json) { json["images"][0]["files"][2]["file"] = "a/b"; }), "image 1, file 3: 'file' is no plain name");
    EXPECT_EQ(cause([](Json& json) { json["images"][0]["files"][2]["kind"] = "zip"; }),
              "image 1, file 3: 'kind' is 'zip', none of uki, full, delta, manifest, spdx, cyclonedx, packages, lock, tree");
    EXPECT_EQ(cause([](Json& json) { json["components"][0]["roles"] = {1}; }), "component 1: 'roles' holds something that is no text");
    EXPECT_EQ(cause([](Json& json) { json["components"][0]["maintained_until"] = "soon"; }), "component 1: 'maintained_until' is no day, such as 2028-06-30");
    EXPECT_EQ(cause([](Json& json) { json["support"]["until"] = "2028-06-31"; }), "support: 'until' is no day, such as 2028-06-30");
    EXPECT_EQ(cause([](Json& json) { json["order"][0].erase("gates"); }), "wave 1: 'gates' is missing");
    EXPECT_EQ(cause([](Json& json) { json["barriers"][0]["summary"] = ""; }), "barrier 1: 'summary' is no text");
    EXPECT_EQ(cause([](Json& json) { json["accept"][0].erase("reason"); }), "accepted word 1: 'reason' is missing");
    EXPECT_EQ(cause([](Json& json) { json["evidence"][0]["kind"] = "spdx"; }),
              "evidence 1: 'kind' is 'spdx', none of lock, sources, licences, notes, self-description");
    EXPECT_EQ(by([](Json& json) { json["images"][0]["index"]["root"]["hash"] = "00"; }),
              "cannot read the release index 'R1.0, image 1': root: 'hash' is no SHA-256 digest");
}

TEST_F(Refused, Contradictions) {
    EXPECT_EQ(cause([](Json& json) { json["support"]["until"] = "2026-11-30"; }), "its support ends before it begins");
    EXPECT_EQ(cause([](Json& json) { json["images"] = Json::array(); }), "it has no image");
    EXPECT_EQ(cause([](Json& json) { json["images"][1] = json["images"][0]; }), "image 'compute/amd64' is named twice");
    EXPECT_EQ(cause([](Json& json) { json["images"][0]["index"]["release"] = "R0.9"; }), "the index of image 'compute' is that of 'compute' R0.9 amd64");
    EXPECT_EQ(cause([](Json& json) { json["images"][0]["manifest"] = sha256("other").hex(); }),
              "image 'compute' has no file of kind 'manifest' with the digest of its 'manifest'");
    EXPECT_EQ(cause([](Json& json) { json["images"][0]["files"][1]["sha256"] = sha256("other").hex(); }),
              "image 'compute' has no file of kind 'uki' that is 'ashlar_compute_R1.0_amd64.efi' of its index");
    EXPECT_EQ(cause([](Json& json) { json["images"][0]["files"][3]["size"] = 21; }),
              "image 'compute' has no file of kind 'full' that is 'ashlar_compute_R1.0_amd64.full' of its index");
    EXPECT_EQ(cause([](Json& json) { json["images"][0]["files"].erase(2); }),
              "image 'compute' has no file of kind 'delta' that is 'ashlar_compute_R1.0_amd64.efi.delta' of its index");
    EXPECT_EQ(cause([](Json& json) { json["evidence"][0]["file"] = "ashlar_compute_R1.0_amd64.efi"; }), "file 'ashlar_compute_R1.0_amd64.efi' is named twice");
    EXPECT_EQ(cause([](Json& json) { json["components"][0]["roles"] = {"storage"}; }), "component 'etcd' is in role 'storage', of which there is no image");
    EXPECT_EQ(cause([](Json& json) { json["components"][1]["name"] = "etcd"; }), "component 'etcd' is named twice");
    EXPECT_EQ(cause([](Json& json) { json["order"].erase(1); }), "the order does not say when role 'compute' has its turn");
    EXPECT_EQ(cause([](Json& json) { json["order"][1]["roles"] = {"compute", "control"}; }), "role of the order 'control' is named twice");
    EXPECT_EQ(cause([](Json& json) { json["order"][1]["roles"] = {"network"}; }), "the order names role 'network', of which there is no image");
    EXPECT_EQ(cause([](Json& json) { json["barriers"].push_back(json["barriers"][0]); }), "barrier 'etcd-version' is named twice");
    EXPECT_EQ(cause([](Json& json) { json["accept"].push_back(json["accept"][0]); }), "accepted word 'listener control/ssh.service' is named twice");
}

TEST_F(Refused, OriginsThatAreNotOlder) {
    EXPECT_EQ(cause([](Json& json) { json["previous"] = {"R0.4", "R1.0"}; }), "'previous': 'R1.0' is not older than R1.0");
    EXPECT_EQ(cause([](Json& json) { json["previous"] = {"R2"}; }), "'previous': 'R2' is not older than R1.0");
    EXPECT_EQ(cause([](Json& json) { json["previous"] = {"latest"}; }), "the release: 'previous': 'latest' is neither a release nor a train");
    EXPECT_EQ(cause([](Json& json) { json["previous"] = {"R0.4", "R0.4"}; }), "'previous' 'R0.4' is named twice");
    EXPECT_EQ(cause([](Json& json) { json["floors"] = {"R1.1"}; }), "floor 'R1.1' is not older than R1.0");
    EXPECT_EQ(cause([](Json& json) { json["floors"] = {"R0"}; }), "the release: 'floors': 'R0' is no release, such as R1.0");
}

TEST_F(Refused, AnotherTextOfTheSameRelease) {
    constexpr const char* cause_of_all = "it is not written as a release is: lists or keys are out of order, or there is other white space";
    EXPECT_EQ(cause([](Json& json) { std::swap(json["images"][0], json["images"][1]); }), cause_of_all);
    EXPECT_EQ(cause([](Json& json) { std::swap(json["previous"][0], json["previous"][1]); }), cause_of_all);
    const std::string text = cluster_release_text(samples::cluster_release());
    const auto refusal = [](const std::string& other) { return first_line(samples::error_of([&] { (void)parse_cluster_release(other, "x"); })); };
    const std::string error = fmt::format("cannot read the release 'x': {}", cause_of_all);
    EXPECT_EQ(refusal(text + "\n"), error);
    EXPECT_EQ(refusal(parse_json(text, "x").dump()), error);
    EXPECT_EQ(refusal("{\"ashlar\": \"0.0.9\"," + text.substr(1)), error);
}

TEST_F(Refused, WhatIsWrongIsNotWritten) {
    ClusterRelease release = samples::cluster_release();
    release.floors = {samples::release_version("R7.0")};
    EXPECT_EQ(first_line(samples::error_of([&] { (void)cluster_release_text(release); })), "cannot read the release 'R1.0': floor 'R7.0' is not older than R1.0");
}

// ---- From where one may come ----------------------------------------------------------------------

StepRefused refused(std::string_view installed, const ClusterRelease& release) {
    const Step step = step_from(installed, release);
    const auto* refusal = std::get_if<StepRefused>(&step);
    return refusal ? *refusal : StepRefused{"(not refused)", ""};
}
bool allowed(std::string_view installed, const ClusterRelease& release) { return std::holds_alternative<StepAllowed>(step_from(installed, release)); }

TEST(StepToARelease, IsAllowedFromThoseBefore) {
    ClusterRelease release = samples::cluster_release();
    EXPECT_TRUE(allowed("R0.4", release));
    EXPECT_TRUE(allowed("R0.5", release));
    EXPECT_TRUE(std::holds_alternative<AlreadyInstalled>(step_from("R1.0", release)));
    EXPECT_EQ(refused("R0.6", release), (StepRefused{"R1.0 is reached from R0.4, R0.5 only, not from R0.6", "install R0.5 first"}));
}

TEST(StepToARelease, ATrainStandsForItsReleases) {
    ClusterRelease release = samples::cluster_release("R2.3");
    release.previous = {samples::release_origin("R1"), samples::release_origin("R2")};
    release.floors = {samples::release_version("R1.0"), samples::release_version("R1.4")};
    EXPECT_TRUE(allowed("R1.0", release));
    EXPECT_TRUE(allowed("R1.99", release));
    EXPECT_TRUE(allowed("R2.0", release));
    EXPECT_EQ(refused("R0.9", release), (StepRefused{"R2.3 is reached through R1.0 only, and R0.9 is older", "install R1.0 first"}));
    release.floors.clear();
    EXPECT_EQ(refused("R0.9", release), (StepRefused{"R2.3 is reached from R1, R2 only, not from R0.9", "install a release of R2 first"}));
}

// A floor holds even where `previous` names what is older.
TEST(StepToARelease, AFloorIsNotSkipped) {
    ClusterRelease release = samples::cluster_release("R2.0");
    release.previous = {samples::release_origin("R0"), samples::release_origin("R1")};
    release.floors = {samples::release_version("R1.2")};
    EXPECT_EQ(refused("R0.5", release), (StepRefused{"R2.0 is reached through R1.2 only, and R0.5 is older", "install R1.2 first"}));
    EXPECT_EQ(refused("R1.1", release), (StepRefused{"R2.0 is reached through R1.2 only, and R1.1 is older", "install R1.2 first"}));
    EXPECT_TRUE(allowed("R1.2", release));
    EXPECT_TRUE(allowed("R1.10", release));
}

TEST(StepToARelease, NeverGoesBack) {
    EXPECT_EQ(refused("R1.1", samples::cluster_release()), (StepRefused{"R1.0 is older than R1.1, which is installed", "start the other slot to go back"}));
    EXPECT_EQ(refused("R10.0", samples::cluster_release()), (StepRefused{"R1.0 is older than R10.0, which is installed", "start the other slot to go back"}));
}

TEST(StepToARelease, WhereNothingLeads) {
    ClusterRelease release = samples::cluster_release();
    release.previous.clear();
    release.floors.clear();
    EXPECT_EQ(refused("R0.4", release), (StepRefused{"R1.0 is for new nodes: no release leads to it", "install the node anew, from a medium"}));
    EXPECT_EQ(refused("trixie", release), (StepRefused{"'trixie' is no release", "install the node anew, from a medium"}));
}

RC_GTEST_PROP(StepToARelease, IsOnlyAllowedUpwardsFromAnOrigin, (unsigned train, unsigned number)) {
    ClusterRelease release = samples::cluster_release("R2.3");
    release.previous = {samples::release_origin("R1"), samples::release_origin("R2")};
    release.floors = {samples::release_version("R1.2")};
    const ReleaseVersion installed{{'R', train % 4}, number % 8};
    const bool expected = installed >= release.floors.front() && installed < release.release;
    RC_ASSERT(allowed(to_text(installed), release) == expected);
}

} // namespace

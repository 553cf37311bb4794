#include "samples.hpp"

#include <base/json.hpp>
#include <signing/authenticode.hpp>
#include <signing/release.hpp>
#include <signing/uki.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

struct Sample {
    Digest root_hash = sha256("root");
    Bytes uki = sign_authenticode(made(), samples::identity(), "uki");
    ReleaseIndex index{.role = "base",
                       .release = "R0.1",
                       .architecture = "amd64",
                       .root_hash = root_hash,
                       .root_size = 4096,
                       .uki = {"R0.1.efi", uki.size()},
                       .uki_digest = sha256(uki),
                       .uki_deltas = {{sha256("old UKI"), {"R0.0-R0.1.efi.delta", 3}}},
                       .streams = {{std::nullopt, {"R0.1.full", 10}}, {sha256("old"), {"R0.0-R0.1.delta", 5}}}};

    [[nodiscard]] Bytes made() const {
        const auto image = samples::efi_image();
        return compose_uki({.stub = image,
                            .kernel = image,
                            .initrds = {bytes_of("initrd")},
                            .os_release = "IMAGE_ID=ashlar\nVARIANT_ID=base\nIMAGE_VERSION=R0.1\n",
                            .command_line = "quiet roothash=" + root_hash.hex(),
                            .kernel_release = "6.12"},
                           "uki");
    }
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

TEST(ReleaseIndex, ReadsWhatItWrote) {
    const Sample sample;
    const auto read = parse_release_index(release_index_text(sample.index), "index");
    EXPECT_EQ(read.role, "base");
    EXPECT_EQ(read.root_hash, sample.root_hash);
    EXPECT_EQ(read.uki, sample.index.uki);
    EXPECT_EQ(read.streams, sample.index.streams);
    EXPECT_EQ(read.uki_deltas, sample.index.uki_deltas);
    EXPECT_EQ(release_index_text(read), release_index_text(sample.index));
    EXPECT_EQ(release_index_name("base", "amd64"), "ashlar_base_amd64.release.json");
}

// Absent from all others: a node of before refuses keys that it does not know.
TEST(ReleaseIndex, OfATestReleaseSaysSo) {
    Sample sample;
    EXPECT_FALSE(parse_json(release_index_text(sample.index), "index").contains("test"));
    EXPECT_FALSE(parse_release_index(release_index_text(sample.index), "index").test);
    sample.index.test = true;
    EXPECT_TRUE(parse_release_index(release_index_text(sample.index), "index").test);
}

TEST(ReleaseIndex, IsStrict) {
    const Json good = parse_json(release_index_text(Sample().index), "index");
    const auto refusal = [&](const std::function<void(Json&)>& change) {
        Json json = good;
        change(json);
        return first_line(samples::error_of([&] { (void)parse_release_index(json.dump(), "index"); }));
    };
    EXPECT_EQ(refusal([](Json& json) { json["format"] = 2; }), "cannot read the release index 'index': its format is 2, this program reads 1");
    EXPECT_EQ(refusal([](Json& json) { json["colour"] = 1; }), "cannot read the release index 'index': the index: unknown key 'colour'");
    EXPECT_EQ(refusal([](Json& json) { json.erase("role"); }), "cannot read the release index 'index': the index: 'role' is missing");
    EXPECT_EQ(refusal([](Json& json) { json["root"]["hash"] = "00"; }), "cannot read the release index 'index': root: 'hash' is no SHA-256 digest");
    EXPECT_EQ(refusal([](Json& json) { json["uki"]["file"] = "../x"; }), "cannot read the release index 'index': uki: 'file' is no plain name");
    EXPECT_EQ(refusal([](Json& json) { json["uki"]["size"] = -1; }), "cannot read the release index 'index': uki: 'size' is no number from 0 on");
    EXPECT_EQ(refusal([](Json& json) { json["streams"].erase(0); }), "cannot read the release index 'index': it must have one stream without 'from'");
    EXPECT_EQ(refusal([](Json& json) { json["streams"] = 1; }), "cannot read the release index 'index': what should be a stream each is no list");
    EXPECT_EQ(refusal([](Json& json) { json["uki"]["deltas"] = {{{"file", "a"}, {"size", 1}}}; }), "cannot read the release index 'index': a UKI delta has no 'from'");
    EXPECT_EQ(refusal([](Json& json) { json["test"] = 1; }), "cannot read the release index 'index': the index: 'test' is neither true nor false");
    EXPECT_EQ(refusal([](Json& json) { json = Json::array(); }), "cannot read the release index 'index': the index is not an object");
}

TEST(Release, IsBelievedWhenTheUkiSaysTheSame) {
    const Sample sample;
    EXPECT_EQ(samples::error_of([&] { verify_release(sample.index, sample.uki, {samples::identity().certificate}); }), "no error");
}

TEST(Release, IsNotBelievedOtherwise) {
    const Sample sample;
    const auto trusted = samples::identity().certificate;
    const auto refusal = [&](const ReleaseIndex& index, ByteView uki, const Certificate& certificate) {
        return first_line(samples::error_of([&] { verify_release(index, uki, {certificate}); }));
    };
    EXPECT_THAT(refusal(sample.index, sample.uki, samples::identity(1).certificate), StartsWith("cannot trust 'R0.1.efi': its signer '"));
    const Bytes unsigned_uki = sample.made();
    EXPECT_EQ(refusal(sample.index, unsigned_uki, trusted), "cannot trust 'R0.1.efi': its bytes are not those that the index names");
    auto index = sample.index;
    index.uki_digest = sha256(unsigned_uki);
    EXPECT_THAT(refusal(index, unsigned_uki, trusted), HasSubstr("it is not signed"));
    index = sample.index;
    index.root_hash = sha256("another");
    EXPECT_EQ(refusal(index, sample.uki, trusted),
              fmt::format("cannot trust 'R0.1.efi': its root hash is '{}', not '{}'", sample.root_hash.hex(), index.root_hash.hex()));
    index = sample.index;
    index.role = "control";
    EXPECT_EQ(refusal(index, sample.uki, trusted), "cannot trust 'R0.1.efi': its VARIANT_ID is 'base', not 'control'");
}

} // namespace

#include "samples.hpp"

#include <base/file.hpp>
#include <base/process.hpp>
#include <signing/authenticode.hpp>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

Outcome sbverify(ByteView image, const Certificate& certificate) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "image.efi", text_of(image));
    write_file(dir.path() / "db.pem", certificate.pem());
    return run({.argv = {"sbverify", "--cert", dir.path() / "db.pem", dir.path() / "image.efi"}});
}

std::string cause_of(const std::variant<Trusted, Untrusted>& answer) {
    const auto* refused = std::get_if<Untrusted>(&answer);
    return refused != nullptr ? refused->cause : "trusted";
}

} // namespace

TEST(Authenticode, SbverifyAcceptsOurSignatureAndNoOtherKeys) {
    const Bytes image = sign_authenticode(samples::efi_image(), samples::identity(), "image");
    EXPECT_TRUE(sbverify(image, samples::identity().certificate).ok());
    EXPECT_FALSE(sbverify(image, samples::identity(1).certificate).ok());
}

TEST(Authenticode, SameInputGivesSameBytes) {
    EXPECT_EQ(sign_authenticode(samples::efi_image(), samples::identity(), "image"),
              sign_authenticode(samples::efi_image(), samples::identity(), "image"));
}

TEST(Authenticode, TheDigestIsTheSameBeforeAndAfterSigning) {
    const Bytes unsigned_image = samples::efi_image();
    const Bytes image = sign_authenticode(unsigned_image, samples::identity(), "image");
    EXPECT_EQ(request_authenticode(image, "image").image, request_authenticode(unsigned_image, "image").image);
    EXPECT_EQ(without_certificates(image, "image"), unsigned_image);
}

TEST(Authenticode, TwoPhasesGiveTheSameAsOne) {
    const Bytes image = samples::efi_image();
    const AuthenticodeRequest request = request_authenticode(image, "image");
    const Bytes answer = samples::key()->sign(request.digest);
    EXPECT_EQ(attach_authenticode(image, samples::identity().certificate, answer, "image"),
              sign_authenticode(image, samples::identity(), "image"));
}

TEST(Authenticode, RefusesAnAnswerOfAnotherKey) {
    const Bytes image = samples::efi_image();
    const Bytes answer = samples::key(1)->sign(request_authenticode(image, "image").digest);
    EXPECT_EQ(samples::error_of([&] { (void)attach_authenticode(image, samples::identity().certificate, answer, "image"); }),
              "cannot attach the signature to 'image': it is not the signature of 'O = Example, CN = Example signing 0' "
              "over this request\n  hint: sign the request again with the key of that certificate");
}

TEST(Authenticode, ReadsWhoSigned) {
    const Bytes once = sign_authenticode(samples::efi_image(), samples::identity(0), "image");
    const Bytes twice = sign_authenticode(once, samples::identity(1), "image");
    const auto signatures = read_authenticode(twice, "image");
    ASSERT_EQ(signatures.size(), 2);
    EXPECT_EQ(signatures[0].signer.subject(), "O = Example, CN = Example signing 0");
    EXPECT_EQ(signatures[1].signer.subject(), "O = Example, CN = Example signing 1");
    EXPECT_TRUE(signatures[0].intact);
    EXPECT_TRUE(signatures[1].intact);
    EXPECT_TRUE(sbverify(twice, samples::identity(0).certificate).ok());
    EXPECT_TRUE(sbverify(twice, samples::identity(1).certificate).ok());
}

TEST(Authenticode, AnswersWhetherADbTrustsAnImage) {
    const Bytes unsigned_image = samples::efi_image();
    const Bytes image = sign_authenticode(unsigned_image, samples::identity(), "image");
    const Certificate ours = samples::identity(0).certificate, theirs = samples::identity(1).certificate;
    EXPECT_EQ(cause_of(verify_authenticode(image, {theirs, ours}, "image")), "trusted");
    EXPECT_EQ(cause_of(verify_authenticode(image, {theirs}, "image")),
              "its signer 'O = Example, CN = Example signing 0' is not trusted");
    EXPECT_EQ(cause_of(verify_authenticode(image, {}, "image")),
              "its signer 'O = Example, CN = Example signing 0' is not trusted");
    EXPECT_EQ(cause_of(verify_authenticode(unsigned_image, {ours}, "image")), "it is not signed");

    Bytes changed = image;
    changed[0x600] = std::byte{0x90};
    EXPECT_EQ(cause_of(verify_authenticode(changed, {ours}, "image")),
              "the signature of 'O = Example, CN = Example signing 0' is not over this image");
}

TEST(Authenticode, ReadsSbsignsSignature) {
    const TemporaryDirectory dir(fs::temp_directory_path());
    write_file(dir.path() / "image.efi", text_of(samples::efi_image()));
    samples::key()->save_new(dir.path() / "db.key");
    write_file(dir.path() / "db.pem", samples::identity().certificate.pem());
    run_checked({.argv = {"sbsign", "--key", dir.path() / "db.key", "--cert", dir.path() / "db.pem", "--output",
                          dir.path() / "signed.efi", dir.path() / "image.efi"}});
    const std::string image = read_file(dir.path() / "signed.efi");
    EXPECT_EQ(cause_of(verify_authenticode(bytes_of(image), {samples::identity().certificate}, "image")), "trusted");
}

// What is not covered is known: the checksum, and what only frames the signature.
RC_GTEST_PROP(AuthenticodeProperty, AFlippedBitBeforeTheSignatureIsNeverTrusted, ()) {
    static const Bytes image = sign_authenticode(samples::efi_image(), samples::identity(), "image");
    static const PeLayout layout = parse_pe(image, "image");
    const auto offset = *rc::gen::inRange<std::size_t>(0, layout.certificates_offset);
    RC_PRE(offset < layout.optional_offset + 64 || offset >= layout.optional_offset + 68);
    Bytes changed = image;
    changed[offset] ^= static_cast<std::byte>(1 << *rc::gen::inRange(0, 8));
    try {
        RC_ASSERT(std::holds_alternative<Untrusted>(
            verify_authenticode(changed, {samples::identity().certificate}, "image")));
    } catch (const Error&) {
        // No PE image any more: refused as well.
    }
}

RC_GTEST_PROP(AuthenticodeProperty, ADamagedSignatureNeverCrashesAndIsNeverTrustedForAnotherImage, ()) {
    static const Bytes image = sign_authenticode(samples::efi_image(), samples::identity(), "image");
    static const PeLayout layout = parse_pe(image, "image");
    Bytes changed = image;
    changed[0x600] = std::byte{0x90};
    for (int i = 0; i < 3; ++i)
        changed[*rc::gen::inRange<std::size_t>(layout.certificates_offset, image.size())] = static_cast<std::byte>(*rc::gen::inRange(0, 256));
    try {
        RC_ASSERT(std::holds_alternative<Untrusted>(
            verify_authenticode(changed, {samples::identity().certificate}, "image")));
    } catch (const Error&) {
    }
}

// ---- Two phases --------------------------------------------------------------------------------

TEST(Authenticode, WhatIsSignedIsAMessage) {
    const Bytes image = samples::efi_image();
    const AuthenticodeRequest request = request_authenticode(image, "image");
    EXPECT_EQ(sha256(request.message), request.digest);
    EXPECT_EQ(content_of_authenticode_message(request.message), authenticode_content(request.image));
    for (std::size_t at = 0; at < request.message.size() - Digest::size; ++at) {
        Bytes changed = request.message;
        changed[at] ^= std::byte{1};
        EXPECT_EQ(content_of_authenticode_message(changed), std::nullopt) << at;
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{31}, request.message.size() - 1})
        EXPECT_EQ(content_of_authenticode_message(ByteView(request.message).first(size)), std::nullopt);
}

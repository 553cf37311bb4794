#include "../signing/samples.hpp"
#include "trees.hpp"

#include <image/os_release.hpp>
#include <image/published_signer.hpp>
#include <image/uki.hpp>

#include <base/process.hpp>
#include <signing/authenticode.hpp>
#include <signing/pcr.hpp>
#include <signing/pe.hpp>
#include <signing/uki.hpp>

#include <gmock/gmock.h>
#include <set>

namespace ashlar::image {
namespace {

using testing::HasSubstr;
using trees::error_of;

class Uki : public testing::Test {
protected:
    Uki() {
        write_file(path("stub"), text_of(samples::efi_image()));
        write_file(path("addon-stub"), text_of(samples::addon_stub()));
        write_file(path("kernel"), text_of(samples::efi_image()));
        write_file(path("initrd"), "an initrd");
        write_file(path("microcode"), "microcode");
    }
    [[nodiscard]] std::filesystem::path path(std::string_view name) const { return directory_.path() / name; }
    [[nodiscard]] UkiInput input() const {
        return {.role = "base",
                .release = "R0.1",
                .stub = path("stub"),
                .kernel = path("kernel"),
                .kernel_version = "6.12.1",
                .initrd = path("initrd"),
                .os_release = "ID=debian\nIMAGE_VERSION=R0.1\n",
                .command_line = {"console=ttyS0", "panic=10"},
                .root_hash = sha256("root")};
    }
    [[nodiscard]] Bytes read(std::string_view name) const {
        const auto text = read_file(path(name));
        const auto bytes = bytes_of(text);
        return {bytes.begin(), bytes.end()};
    }

    const Identity db = samples::identity(0);
    const KeysAtHand keys = samples::keys_at_hand(0, 1);

private:
    TemporaryDirectory directory_{std::filesystem::temp_directory_path(), "uki-"};
};

TEST_F(Uki, HoldsItsParts) {
    auto with_microcode = input();
    with_microcode.microcode = path("microcode");
    ASSERT_TRUE(make_uki(with_microcode, keys, path("ashlar.efi")));
    const auto image = read("ashlar.efi");
    const auto uki = read_uki(image, "ashlar.efi");
    EXPECT_EQ(uki.command_line, "console=ttyS0 panic=10 roothash=" + sha256("root").hex());
    EXPECT_EQ(uki.os_release, input().os_release);
    EXPECT_EQ(uki.kernel_release, "6.12.1");
    EXPECT_EQ(text_of(uki.initrd.value()), "an initrd");
    EXPECT_EQ(text_of(uki.microcode.value()), "microcode");
    EXPECT_THAT(std::string(uki.sbat.value()), HasSubstr("\nashlar.base,1,Ashlar,base,R0.1,"));
    with_microcode.sbat_generation = 3;
    (void)make_uki(with_microcode, keys, path("ashlar.efi"));
    const auto raised = read("ashlar.efi");
    EXPECT_THAT(std::string(read_uki(raised, "ashlar.efi").sbat.value()), HasSubstr("\nashlar.base,3,Ashlar,base,R0.1,"));
}

// The same kernel and initrd, started with more words, and an entry that sorts behind all others.
TEST_F(Uki, HasARescueEntryWhereTheRoleHas) {
    auto with_rescue = input();
    with_rescue.rescue = {"systemd.unit=rescue.target"};
    with_rescue.os_release = identify("ID=debian\n", "base", "R0.1");
    ASSERT_TRUE(make_uki(with_rescue, keys, path("ashlar.efi")));
    const auto image = read("ashlar.efi");
    const auto uki = read_uki(image, "ashlar.efi");
    EXPECT_EQ(uki.command_line, "console=ttyS0 panic=10 roothash=" + sha256("root").hex());
    ASSERT_EQ(uki.profiles.size(), 2U);
    EXPECT_EQ(uki.profiles[1].profile, "ID=rescue\nTITLE=rescue\n");
    EXPECT_EQ(uki.profiles[1].command_line, "console=ttyS0 panic=10 systemd.unit=rescue.target roothash=" + sha256("root").hex());
    EXPECT_EQ(uki.profiles[1].os_release, "ID=debian\nPRETTY_NAME=\"Ashlar base R0.1\"\nIMAGE_ID=ashlar-rescue\nIMAGE_VERSION=R0.1\nVARIANT_ID=base\n");
    EXPECT_EQ(pcr_signature_fault(image, "ashlar.efi"), std::nullopt);
    EXPECT_TRUE(std::holds_alternative<Trusted>(verify_authenticode(image, {db.certificate}, "ashlar.efi")));

    with_rescue.rescue = {"roothash=00"};
    EXPECT_THAT(error_of([&] { (void)make_uki(with_rescue, keys, path("other.efi")); }), HasSubstr("cannot add the root hash to the command line: it has 'roothash=00' already"));
    with_rescue.rescue = {"rescue"};
    with_rescue.os_release = "ID=debian\n";
    EXPECT_THAT(error_of([&] { (void)make_uki(with_rescue, keys, path("other.efi")); }), HasSubstr("cannot make the rescue entry: the image's os-release has no line IMAGE_ID=ashlar"));
}

TEST_F(Uki, IsSignedInBothWays) {
    ASSERT_TRUE(make_uki(input(), keys, path("ashlar.efi")));
    const auto image = read("ashlar.efi");
    EXPECT_TRUE(std::holds_alternative<Trusted>(verify_authenticode(image, {db.certificate}, "ashlar.efi")));
    EXPECT_EQ(pcr_signature_fault(image, "ashlar.efi"), std::nullopt);
    write_file(path("db.pem"), db.certificate.pem());
    EXPECT_THAT(run_checked({.argv = {"sbverify", "--cert", path("db.pem").native(), path("ashlar.efi").native()}}),
                HasSubstr("Signature verification OK"));
}

TEST_F(Uki, IsTheSameTwiceAndItsUnsignedFormDoesNotDependOnTheDbKey) {
    const auto one = make_uki(input(), keys, path("one.efi")).value();
    const auto two = make_uki(input(), keys, path("two.efi")).value();
    EXPECT_TRUE(read("one.efi") == read("two.efi"));
    EXPECT_EQ(one.signed_file, sha256_of_file(path("one.efi")));
    EXPECT_EQ(one.size, std::filesystem::file_size(path("one.efi")));

    const auto other = make_uki(input(), samples::keys_at_hand(1, 1), path("other.efi")).value();
    EXPECT_NE(other.signed_file, two.signed_file);
    EXPECT_EQ(other.unsigned_file, two.unsigned_file);
    EXPECT_EQ(other.authenticode, two.authenticode);
}

// Signs what it has been asked for before, as somebody elsewhere does.
class Elsewhere final : public ImageSigner {
public:
    explicit Elsewhere(const KeysAtHand& keys) : keys_(keys) {}
    [[nodiscard]] const Certificate& certificate() const override { return keys_.certificate(); }
    [[nodiscard]] const PublicKey& pcr_key() const override { return keys_.pcr_key(); }
    [[nodiscard]] std::optional<std::vector<Bytes>> sign(ImageSignature what, const std::string& subject, const std::vector<Bytes>& messages) const override {
        if (answered.contains({subject, messages})) return keys_.sign(what, subject, messages);
        asked.emplace(subject, messages);
        return std::nullopt;
    }
    using Asked = std::set<std::pair<std::string, std::vector<Bytes>>>;
    mutable Asked asked;
    Asked answered;

private:
    const KeysAtHand& keys_;
};

TEST_F(Uki, IsTheSameWhenItWaitsForItsSignatures) {
    ASSERT_TRUE(make_uki(input(), keys, path("at-once.efi")));
    Elsewhere elsewhere(keys);
    EXPECT_EQ(make_uki(input(), elsewhere, path("ashlar.efi")), std::nullopt);
    ASSERT_EQ(elsewhere.asked.size(), 1U);
    EXPECT_EQ(elsewhere.asked.begin()->first, "R0.1 base: PCR policies");
    EXPECT_EQ(elsewhere.asked.begin()->second.size(), boot_phases().size());

    elsewhere.answered.swap(elsewhere.asked);
    EXPECT_EQ(make_uki(input(), elsewhere, path("ashlar.efi")), std::nullopt);
    ASSERT_EQ(elsewhere.asked.size(), 1U);
    EXPECT_EQ(elsewhere.asked.begin()->first, "R0.1 base: UKI");
    EXPECT_FALSE(std::filesystem::exists(path("ashlar.efi")));

    elsewhere.answered.merge(elsewhere.asked);
    ASSERT_TRUE(make_uki(input(), elsewhere, path("ashlar.efi")));
    EXPECT_TRUE(read("ashlar.efi") == read("at-once.efi"));
}

// ---- Without the keys ----------------------------------------------------------------------------

TEST_F(Uki, IsTheSameWithTheSignaturesOfTheOneThatWasPublished) {
    auto with_rescue = input();
    with_rescue.rescue = {"systemd.unit=rescue.target"};
    with_rescue.os_release = identify("ID=debian\n", "base", "R0.1");
    for (const auto& one : {input(), with_rescue}) {
        const auto published = make_uki(one, keys, path("published.efi"));
        const PublishedSigner signer(read("published.efi"), "published.efi");
        EXPECT_EQ(signer.certificate(), db.certificate);
        EXPECT_EQ(make_uki(one, signer, path("again.efi")), published);
        EXPECT_TRUE(read("again.efi") == read("published.efi"));
        EXPECT_EQ(make_uki_as_far_as_signed(one, signer, path("again.efi")), published);
        EXPECT_TRUE(read("again.efi") == read("published.efi"));
    }
}

TEST_F(Uki, ASignatureIsGivenToNothingElse) {
    const auto published = make_uki(input(), keys, path("published.efi")).value();
    const PublishedSigner signer(read("published.efi"), "published.efi");
    auto other = input();
    other.command_line.emplace_back("init=/bin/sh");
    EXPECT_EQ(make_uki(other, signer, path("again.efi")), std::nullopt);
    EXPECT_FALSE(std::filesystem::exists(path("again.efi")));
    const auto unsigned_uki = make_uki_as_far_as_signed(other, signer, path("again.efi"));
    EXPECT_EQ(unsigned_uki.unsigned_file, unsigned_uki.signed_file);
    EXPECT_NE(unsigned_uki.unsigned_file, published.unsigned_file);
    EXPECT_EQ(read_uki(read("again.efi"), "again.efi").pcr_signatures, std::nullopt);
    EXPECT_EQ(signer.sign(ImageSignature::pcr_policy, "", {Bytes(32)}), std::nullopt);
    EXPECT_EQ(signer.sign(ImageSignature::authenticode, "", {Bytes(32)}), std::nullopt);
    // What is not measured is signed all the same.
    write_file(path("stub"), text_of([&] {
                   Bytes stub = samples::efi_image();
                   const auto layout = parse_pe(stub, "stub");
                   stub.at(layout.sections.front().raw_offset) ^= std::byte{1};
                   return stub;
               }()));
    EXPECT_EQ(make_uki(input(), signer, path("again.efi")), std::nullopt);
    (void)make_uki_as_far_as_signed(input(), signer, path("again.efi"));
    EXPECT_NE(read_uki(read("again.efi"), "again.efi").pcr_signatures, std::nullopt);
    EXPECT_TRUE(read_authenticode(read("again.efi"), "again.efi").empty());
}

// Whoever could swap a published UKI for another could not make its signatures fit.
TEST_F(Uki, NoChangedByteOfThePublishedOneComesOutAgain) {
    (void)make_uki(input(), keys, path("published.efi")).value();
    const Bytes published = read("published.efi");
    for (std::size_t at = 0; at < published.size(); at += 97) {
        Bytes changed = published;
        changed.at(at) ^= std::byte{1};
        try {
            const PublishedSigner signer(changed, "changed.efi");
            (void)make_uki_as_far_as_signed(input(), signer, path("again.efi"));
            EXPECT_FALSE(read("again.efi") == changed) << at;
        } catch (const Error&) { // it is not a UKI any more
        }
    }
}

TEST_F(Uki, WhatIsNotSignedAsABuildDoesHasNothingToGive) {
    const auto refused = [&](const Bytes& uki) { return error_of([&] { const PublishedSigner signer(uki, "a.efi"); }); };
    (void)make_uki(input(), keys, path("published.efi")).value();
    const Bytes once = read("published.efi");
    EXPECT_EQ(refused(without_certificates(once, "a.efi")), "cannot take the signatures of 'a.efi': it has 0 Authenticode signatures, not one\n  hint: it is not a UKI as `ashlar build` makes it");
    EXPECT_EQ(refused(sign_authenticode(once, samples::identity(1), "a.efi")), "cannot take the signatures of 'a.efi': it has 2 Authenticode signatures, not one\n  hint: it is not a UKI as `ashlar build` makes it");
    EXPECT_EQ(refused(sign_authenticode(samples::efi_image(), db, "a.efi")), "cannot take the signatures of 'a.efi': it has no .pcrpkey\n  hint: it is not a UKI as `ashlar build` makes it");
}

// Nobody is asked to sign what is refused afterwards.
TEST_F(Uki, ALimitHoldsBeforeAnythingIsSigned) {
    auto limited = input();
    limited.limit = 1000;
    const Elsewhere elsewhere(keys);
    EXPECT_THAT(error_of([&] { (void)make_uki(limited, elsewhere, path("ashlar.efi")); }), HasSubstr("cannot accept the UKI of 'base': it has "));
    EXPECT_TRUE(elsewhere.asked.empty());
}

TEST_F(Uki, ARootHashInTheRecipeIsRefused) {
    auto wrong = input();
    wrong.command_line.emplace_back("roothash=00");
    EXPECT_EQ(error_of([&] { (void)make_uki(wrong, keys, path("ashlar.efi")); }),
              "cannot add the root hash to the command line: it has 'roothash=00' already\n"
              "  while making the UKI of 'base'\n"
              "  hint: leave it out of kernel.command_line: the build knows the root hash");
}

TEST_F(Uki, ALimitIsALimit) {
    auto limited = input();
    limited.limit = 1000;
    EXPECT_THAT(error_of([&] { (void)make_uki(limited, keys, path("ashlar.efi")); }),
                HasSubstr("cannot accept the UKI of 'base': it has "));
    EXPECT_FALSE(std::filesystem::exists(path("ashlar.efi")));
}

TEST_F(Uki, AddonsCarryACommandLineAndASignature) {
    make_addon({.name = "serial",
                .release = "R0.1",
                .stub = path("addon-stub"),
                .command_line = {"console=ttyS1", "debug"},
                .kernel_version = "6.12.1"},
               db, path("serial.addon.efi"));
    const auto image = read("serial.addon.efi");
    EXPECT_EQ(read_uki(image, "addon").command_line, "console=ttyS1 debug");
    EXPECT_TRUE(std::holds_alternative<Trusted>(verify_authenticode(image, {db.certificate}, "addon")));
}

TEST_F(Uki, AnAddonCannotChangeTheRoot) {
    EXPECT_THAT(error_of([&] {
                    make_addon(
                        {.name = "x", .release = "R0.1", .stub = path("addon-stub"), .command_line = {"roothash=1"}},
                        db, path("x.addon.efi"));
                }),
                HasSubstr("cannot add the root hash to the command line: it has 'roothash=1' already"));
}

TEST_F(Uki, ProgramsGetASignedCopy) {
    const auto digest = sign_program(path("stub"), keys, "R0.1: a program", path("signed.efi"));
    EXPECT_EQ(digest, sha256_of_file(path("signed.efi")));
    EXPECT_TRUE(
        std::holds_alternative<Trusted>(verify_authenticode(read("signed.efi"), {db.certificate}, "signed.efi")));
    EXPECT_TRUE(std::holds_alternative<Untrusted>(
        verify_authenticode(read("signed.efi"), {samples::identity(1).certificate}, "signed.efi")));
}

} // namespace
} // namespace ashlar::image

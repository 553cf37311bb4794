#include "samples.hpp"

#include <base/file.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <signing/pcr.hpp>
#include <signing/uki.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

using namespace ashlar;
namespace fs = std::filesystem;

namespace {

const SbatEntry own_sbat{"example.base", 1, "Example", "base", "R0.1", "https://example.org/"};

// Owns what UkiParts only looks at.
struct Sample {
    Bytes stub = samples::efi_image();
    Bytes kernel = samples::efi_image("sbat,1,SBAT Version,sbat,1,https://example.org/\nlinux,1,Example,linux,6.12,https://example.org/\n");
    std::string initrd = "070701 not really a cpio archive"; // 32 bytes
    std::string microcode = "microcode";

    [[nodiscard]] UkiParts parts() const {
        return {stub,
                kernel,
                {bytes_of(initrd)},
                "ID=debian\nIMAGE_ID=ashlar\nVARIANT_ID=base\nIMAGE_VERSION=R0.1\n",
                "console=ttyS0 roothash=0123",
                "6.12.0-example",
                bytes_of(microcode),
                std::nullopt,
                {own_sbat}};
    }
};

std::string with(const std::function<void(UkiParts&)>& change) {
    const Sample sample;
    UkiParts parts = sample.parts();
    change(parts);
    return samples::error_of([&] { (void)compose_uki(parts, "base.efi"); });
}

} // namespace

TEST(Uki, HoldsItsParts) {
    const Sample sample;
    UkiParts parts = sample.parts();
    parts.pcr_key = samples::key()->public_key();
    const Bytes uki = compose_uki(parts, "base.efi");
    const UkiContents contents = read_uki(uki, "base.efi");
    EXPECT_EQ(contents.os_release, parts.os_release);
    EXPECT_EQ(contents.command_line, parts.command_line);
    EXPECT_EQ(contents.kernel_release, parts.kernel_release);
    EXPECT_EQ(contents.pcr_key, samples::key()->public_key().pem());
    EXPECT_TRUE(std::ranges::equal(contents.kernel.value(), sample.kernel));
    EXPECT_EQ(text_of(contents.initrd.value()), sample.initrd);
    EXPECT_EQ(text_of(contents.microcode.value()), sample.microcode);
    EXPECT_EQ(contents.pcr_signatures, std::nullopt);
    EXPECT_EQ(contents.sbat, std::string("sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
                                         "stub,1,Example,stub,1,https://example.org/\n"
                                         "linux,1,Example,linux,6.12,https://example.org/\n"
                                         "example.base,1,Example,base,R0.1,https://example.org/\n") + '\0');

    std::vector<std::string> names;
    for (const auto& [name, size] : contents.sections) names.push_back(name);
    EXPECT_EQ(names, (std::vector<std::string>{".text", ".sbat", ".sdmagic", ".osrel", ".cmdline", ".uname", ".pcrpkey",
                                               ".linux", ".initrd", ".ucode"}));
}

TEST(Uki, SectionsLieOnAlignedAddressesWithoutOverlap) {
    const Sample sample;
    const Bytes uki = compose_uki(sample.parts(), "base.efi");
    const PeLayout layout = parse_pe(uki, "base.efi");
    std::uint64_t end = 0;
    for (const PeSection& section : layout.sections) {
        EXPECT_EQ(section.virtual_address % layout.section_alignment, 0) << section.name;
        EXPECT_EQ(section.raw_offset % layout.file_alignment, 0) << section.name;
        EXPECT_GE(section.virtual_address, end) << section.name;
        end = section.virtual_address + section.virtual_size;
    }
    EXPECT_EQ(layout.size_of_image, round_up(end, layout.section_alignment));
}

TEST(Uki, JoinsInitrdsAtMultiplesOfFour) {
    const Sample sample;
    UkiParts parts = sample.parts();
    parts.initrds = {bytes_of("first"), bytes_of("second!!"), bytes_of("3")};
    const Bytes uki = compose_uki(parts, "base.efi");
    EXPECT_EQ(text_of(read_uki(uki, "base.efi").initrd.value()), std::string_view("first\0\0\0second!!3\0\0\0", 20));
}

TEST(Uki, DropsNxCompatibilityThatItsKernelLacks) {
    Sample sample;
    EXPECT_NE(parse_pe(compose_uki(sample.parts(), "u"), "u").dll_characteristics & pe_nx_compatible, 0);
    set_dll_characteristics(sample.kernel, parse_pe(sample.kernel, "kernel"), 0x60);
    EXPECT_EQ(parse_pe(compose_uki(sample.parts(), "u"), "u").dll_characteristics & pe_nx_compatible, 0);
}

TEST(Uki, RefusesPartsThatCannotBoot) {
    EXPECT_EQ(with([](UkiParts& parts) { parts.command_line.clear(); }),
              "cannot compose the UKI 'base.efi': its command line is empty");
    EXPECT_EQ(with([](UkiParts& parts) { parts.command_line = "a\nb"; }),
              "cannot compose the UKI 'base.efi': its command line has more than one line");
    EXPECT_EQ(with([](UkiParts& parts) { parts.initrds.clear(); }), "cannot compose the UKI 'base.efi': its initrd is empty");
    EXPECT_EQ(with([](UkiParts& parts) { parts.os_release.clear(); }),
              "cannot compose the UKI 'base.efi': its os-release is empty");
    EXPECT_EQ(with([](UkiParts& parts) { parts.kernel = bytes_of("\x1f\x8b a compressed kernel"); }),
              "cannot read the PE image 'kernel': it does not begin with 'MZ'\n  while composing the UKI 'base.efi'");
    EXPECT_EQ(with([](UkiParts& parts) { parts.sbat[0].version = "1,2"; }),
              "cannot compose the UKI 'base.efi': SBAT field '1,2' is empty or has a comma");
    EXPECT_EQ(with([](UkiParts& parts) { parts.sbat[0].vendor = std::string(500, 'x'); }),
              "cannot replace section '.sbat' of the PE image 'base.efi': 715 bytes do not fit into 512");
}

TEST(Uki, RefusesAStubThatIsSignedOrNotSystemds) {
    Sample sample;
    const Bytes unsigned_stub = sample.stub;
    sample.stub = append_certificate(unsigned_stub, bytes_of("0"), "stub");
    EXPECT_EQ(samples::error_of([&] { (void)compose_uki(sample.parts(), "base.efi"); }),
              "cannot compose the UKI 'base.efi': its stub is signed\n  hint: use the unsigned stub");
    sample.stub = unsigned_stub;
    replace_section(sample.stub, ".sdmagic", bytes_of("other"), "stub");
    EXPECT_EQ(samples::error_of([&] { (void)compose_uki(sample.parts(), "base.efi"); }),
              "cannot compose the UKI 'base.efi': its stub is not systemd's linuxx64.efi.stub\n  hint: the package "
              "systemd-boot-efi has it");
    sample.stub = samples::addon_stub();
    EXPECT_EQ(samples::error_of([&] { (void)compose_uki(sample.parts(), "base.efi"); }),
              "cannot compose the UKI 'base.efi': its stub is not systemd's linuxx64.efi.stub\n  hint: the package "
              "systemd-boot-efi has it");
}

const std::vector<UkiProfile> rescue{{.id = "rescue", .title = "rescue", .os_release = "ID=debian\nIMAGE_ID=ashlar-rescue\n", .command_line = "console=ttyS0 rescue roothash=0123"}};

TEST(Profiles, HaveWhatTheyNameAndShareTheRest) {
    const Sample sample;
    const Bytes plain = compose_uki(sample.parts(), "base.efi");
    EXPECT_EQ(add_profiles(plain, {}, "base.efi"), plain);
    const Bytes uki = add_profiles(plain, rescue, "base.efi");
    const UkiContents contents = read_uki(uki, "base.efi");
    EXPECT_EQ(contents.command_line, sample.parts().command_line);
    EXPECT_EQ(contents.os_release, sample.parts().os_release);
    ASSERT_EQ(contents.profiles.size(), 2U);
    EXPECT_EQ(contents.profiles[0].profile, "ID=main\n");
    EXPECT_EQ(contents.profiles[0].command_line, std::nullopt);
    EXPECT_EQ(contents.profiles[1].profile, "ID=rescue\nTITLE=rescue\n");
    EXPECT_EQ(contents.profiles[1].os_release, rescue[0].os_release);
    EXPECT_EQ(contents.profiles[1].command_line, rescue[0].command_line);
    std::vector<std::string> names;
    for (const auto& [name, size] : contents.sections) names.push_back(name);
    EXPECT_EQ(names, (std::vector<std::string>{".text", ".sbat", ".sdmagic", ".osrel", ".cmdline", ".uname", ".linux", ".initrd", ".ucode", ".profile",
                                               ".profile", ".osrel", ".cmdline"}));
    EXPECT_EQ(samples::error_of([&] { (void)add_profiles(uki, rescue, "base.efi"); }), "cannot compose the UKI 'base.efi': it has profiles already");
    auto lines = rescue;
    lines[0].title = "a\nb";
    EXPECT_EQ(samples::error_of([&] { (void)add_profiles(plain, lines, "base.efi"); }), "cannot compose the UKI 'base.efi': its profile's title has more than one line");
}

// What the stub does for profile 1 is what it does for a UKI with the profile's parts, and .profile at last.
TEST(Profiles, AreMeasuredWithTheirOwnParts) {
    const Sample sample;
    UkiParts parts = sample.parts();
    parts.pcr_key = samples::key()->public_key();
    const Bytes uki = add_profiles(compose_uki(parts, "base.efi"), rescue, "base.efi");
    const auto with_profile = [](const Digest& pcr, std::string_view text) { return extended_by_phase(extended_by_phase(pcr, std::string_view(".profile\0", 9)), text); };
    EXPECT_EQ(predicted_pcr11(uki, "base.efi"), with_profile(predicted_pcr11(compose_uki(parts, "base.efi"), "base.efi"), "ID=main\n"));
    parts.os_release = rescue[0].os_release;
    parts.command_line = rescue[0].command_line;
    EXPECT_EQ(predicted_pcr11(uki, "base.efi", 1), with_profile(predicted_pcr11(compose_uki(parts, "base.efi"), "base.efi"), "ID=rescue\nTITLE=rescue\n"));
    EXPECT_EQ(samples::error_of([&] { (void)predicted_pcr11(uki, "base.efi", 2); }), "cannot predict PCR 11 of 'base.efi': it has no profile 2");
}

TEST(Profiles, ShareTheSignedPolicies) {
    const Sample sample;
    UkiParts parts = sample.parts();
    parts.pcr_key = samples::key()->public_key();
    const Bytes plain = compose_uki(parts, "base.efi");
    const auto policies = pcr_policies(add_profiles(plain, rescue, "base.efi"), "base.efi");
    EXPECT_EQ(policies.size(), 2 * boot_phases().size());
    const Bytes signed_uki = add_pcr_signatures(plain, sign_pcr_policies(policies, *samples::key()), "base.efi");
    const Bytes uki = add_profiles(signed_uki, rescue, "base.efi");
    EXPECT_EQ(pcr_signature_fault(uki, "base.efi"), std::nullopt);
    EXPECT_EQ(pcr_policies(uki, "base.efi").at(7).pcr11, policies.at(7).pcr11);

    auto other = rescue;
    other[0].command_line += " debug";
    EXPECT_EQ(pcr_signature_fault(add_profiles(signed_uki, other, "base.efi"), "base.efi"), "its .pcrsig has no right signature for phase 'enter-initrd' of profile 1");
    EXPECT_EQ(samples::error_of([&] { (void)add_pcr_signatures(add_profiles(plain, rescue, "base.efi"), "{}", "base.efi"); }),
              "cannot compose the UKI 'base.efi': its .pcrsig would be the last profile's alone\n  hint: add it before the profiles");
}

TEST(Addon, HoldsACommandLine) {
    const Bytes stub = samples::addon_stub();
    const Bytes addon = compose_addon({stub, "no_timer_check", "6.12.0-example", {own_sbat}}, "a.addon.efi");
    const UkiContents contents = read_uki(addon, "a.addon.efi");
    EXPECT_EQ(contents.command_line, "no_timer_check");
    EXPECT_EQ(contents.kernel_release, "6.12.0-example");
    EXPECT_EQ(contents.sbat, std::string("sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
                                         "example.base,1,Example,base,R0.1,https://example.org/\n") + '\0');
    EXPECT_FALSE(contents.kernel.has_value());

    const Bytes wrong = samples::efi_image();
    EXPECT_EQ(samples::error_of([&] { (void)compose_addon({wrong, "quiet", {}, {own_sbat}}, "a.addon.efi"); }),
              "cannot compose the UKI 'a.addon.efi': its stub is not systemd's addonx64.efi.stub\n  hint: the package "
              "systemd-boot-efi has it");
}

TEST(PcrPolicies, AreSignedForEveryPhase) {
    const Sample sample;
    UkiParts parts = sample.parts();
    parts.pcr_key = samples::key()->public_key();
    const Bytes uki = compose_uki(parts, "base.efi");
    EXPECT_EQ(pcr_signature_fault(uki, "base.efi"), "it has no .pcrsig");

    const std::string signatures = sign_pcr_policies(pcr_policies(uki, "base.efi"), *samples::key());
    const Bytes complete = add_pcr_signatures(uki, signatures, "base.efi");
    EXPECT_EQ(pcr_signature_fault(complete, "base.efi"), std::nullopt);
    EXPECT_EQ(predicted_pcr11(complete, "base.efi"), predicted_pcr11(uki, "base.efi")) << ".pcrsig is not measured";
    EXPECT_EQ(samples::error_of([&] { (void)add_pcr_signatures(complete, signatures, "base.efi"); }),
              "cannot compose the UKI 'base.efi': it has a .pcrsig already");
    EXPECT_EQ(sign_pcr_policies(pcr_policies(uki, "base.efi"), *samples::key()), signatures) << "same bytes each time";
}

TEST(PcrPolicies, OfAnotherKeyOrImageAreAFault) {
    const Sample sample;
    UkiParts parts = sample.parts();
    parts.pcr_key = samples::key(0)->public_key();
    const Bytes uki = compose_uki(parts, "base.efi");
    const auto policies = pcr_policies(uki, "base.efi");
    const Bytes foreign = add_pcr_signatures(uki, sign_pcr_policies(policies, *samples::key(1)), "base.efi");
    EXPECT_EQ(pcr_signature_fault(foreign, "base.efi"), "its .pcrsig has no right signature for phase 'enter-initrd'");

    parts.command_line += " debug";
    const Bytes other = compose_uki(parts, "base.efi");
    const Bytes moved = add_pcr_signatures(other, sign_pcr_policies(policies, *samples::key(0)), "base.efi");
    EXPECT_EQ(pcr_signature_fault(moved, "base.efi"), "its .pcrsig has no right signature for phase 'enter-initrd'");
}

TEST(PcrPolicies, AnswersAreCheckedBeforeTheyAreAttached) {
    const Sample sample;
    const auto policies = pcr_policies(compose_uki(sample.parts(), "base.efi"), "base.efi");
    std::vector<Bytes> answers;
    for (const PcrPolicy& policy : policies) answers.push_back(samples::key(1)->sign(policy.digest));
    EXPECT_EQ(samples::error_of([&] { (void)attach_pcr_signatures(policies, samples::key(0)->public_key(), answers); }),
              "cannot attach the PCR signature for phase 'enter-initrd': it is not the PCR key's over this policy\n  hint: sign "
              "the request again with the key whose public half is in .pcrpkey");
    answers.pop_back();
    EXPECT_EQ(samples::error_of([&] { (void)attach_pcr_signatures(policies, samples::key(1)->public_key(), answers); }),
              "cannot attach PCR signatures: there are 3 for 4 policies");
}

// ---- What systemd's own tools make of the same parts -------------------------------------------
//
// tests/golden/signing/uki.json holds their answers. To ask them again (as root), name a root that has
// systemd-ukify and systemd-boot-efi:
//
//     ASHLAR_SYSTEMD_ROOT=/path/to/root test_signing --gtest_filter='SystemdTools*'

namespace {

const fs::path golden_path = fs::path(ASHLAR_SOURCE_DIR) / "tests/golden/signing/uki.json";

struct Tools {
    fs::path root;
    TemporaryDirectory work{root / "tmp"};

    [[nodiscard]] std::string inside(std::string_view file) const { return "/tmp/" + work.path().filename().string() + "/" + std::string(file); }
    std::string put(std::string_view file, std::string_view contents) const {
        write_file(work.path() / file, contents);
        return inside(file);
    }
    std::string run_inside(std::vector<std::string> argv) const {
        argv.insert(argv.begin(), {"chroot", root});
        return run_checked({.argv = argv});
    }

    Json answer() const {
        const Sample sample;
        const UkiParts parts = sample.parts();
        const PrivateKey key = PrivateKey::generate(RsaBits::rsa2048);
        key.save_new(work.path() / "pcr.key");
        const std::string sbat(read_uki(compose_uki(parts, "u"), "u").sbat.value());
        const std::string own = "sbat,1,x\nexample.base,1,Example,base,R0.1,https://example.org/\n";
        const std::string osrel = put("osrel", parts.os_release), cmdline = put("cmdline", parts.command_line);
        const std::string kernel = put("linux", text_of(parts.kernel)), initrd = put("initrd", sample.initrd);
        const std::string ucode = put("ucode", sample.microcode), public_key = put("pcr.pub", key.public_key().pem());
        const std::string uname = put("uname", parts.kernel_release);

        run_inside({"ukify", "build", "--stub=" + put("stub", text_of(parts.stub)), "--linux=" + kernel, "--initrd=" + initrd,
                    "--microcode=" + ucode, "--os-release=@" + osrel, "--cmdline=@" + cmdline, "--uname=" + parts.kernel_release,
                    "--sbat=" + own, "--pcrpkey=" + public_key, "--output=" + inside("uki.efi")});
        run_inside({"ukify", "build", "--stub=" + put("addon-stub", text_of(samples::addon_stub())), "--cmdline=no_timer_check", "--sbat=" + own,
                    "--output=" + inside("addon.efi")});
        std::vector<std::string> measure{"/usr/lib/systemd/systemd-measure", "calculate", "--bank=sha256", "--json=short",
                                         "--linux=" + kernel, "--initrd=" + initrd, "--ucode=" + ucode, "--osrel=" + osrel,
                                         "--cmdline=" + cmdline, "--uname=" + uname, "--sbat=" + put("sbat", sbat),
                                         "--pcrpkey=" + public_key};
        const Json calculated = parse_json(run_inside(measure), "calculate");
        measure[1] = "sign";
        measure.insert(measure.end(), {"--private-key=" + inside("pcr.key"), "--public-key=" + public_key});
        return {{"pcr_key", key.public_key().pem()},
                {"uki", sha256_of_file(work.path() / "uki.efi").hex()},
                {"addon", sha256_of_file(work.path() / "addon.efi").hex()},
                {"calculated", calculated},
                {"signed", parse_json(run_inside(measure), "sign")}};
    }
};

Json golden() {
    if (const char* root = std::getenv("ASHLAR_SYSTEMD_ROOT")) write_file(golden_path, pretty(Tools{root}.answer()));
    return parse_json(read_file(golden_path), golden_path.native());
}

} // namespace

TEST(SystemdTools, MakeTheSameBytesAndTheSamePolicies) {
    const Json expected = golden();
    const Sample sample;
    UkiParts parts = sample.parts();
    parts.pcr_key = PublicKey::from_pem(expected.at("pcr_key").get<std::string>(), "golden");
    const Bytes uki = compose_uki(parts, "base.efi");
    EXPECT_EQ(sha256(uki).hex(), expected.at("uki")) << "ukify build";

    const auto policies = pcr_policies(uki, "base.efi");
    const Json& calculated = expected.at("calculated").at("sha256");
    const Json& signed_by_them = expected.at("signed").at("sha256");
    ASSERT_EQ(policies.size(), calculated.size());
    for (std::size_t i = 0; i < policies.size(); ++i) {
        EXPECT_EQ(policies[i].phase, calculated[i].at("phase"));
        EXPECT_EQ(policies[i].pcr11.hex(), calculated[i].at("hash")) << policies[i].phase;
        EXPECT_EQ(policies[i].policy.hex(), signed_by_them[i].at("pol")) << policies[i].phase;
    }
    // Their signatures, with their name for the key, count as right here.
    EXPECT_EQ(pcr_signature_fault(add_pcr_signatures(uki, expected.at("signed").dump(), "base.efi"), "base.efi"), std::nullopt);

    const Bytes stub = samples::addon_stub();
    const Bytes addon = compose_addon({stub, "no_timer_check", std::nullopt, {own_sbat}}, "a.addon.efi");
    EXPECT_EQ(sha256(addon).hex(), expected.at("addon")) << "ukify build, add-on";
}

// The probe, under the real firmware and boot loader: what boots, and what must not.

#include "disk.hpp"

#include "../unit/signing/samples.hpp"

#include <base/file.hpp>
#include <base/text.hpp>
#include <signing/authenticode.hpp>
#include <signing/pcr.hpp>
#include <signing/pe.hpp>
#include <signing/uki.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <fmt/format.h>

using namespace lab;
using machine::Outcome;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

// With the whole console when it is not as expected.
testing::Matcher<const machine::Report&> ended(Outcome outcome, const testing::Matcher<const std::string&>& detail) {
    return testing::Truly([=](const machine::Report& report) {
        if (report.verdict.outcome == outcome && detail.Matches(report.verdict.detail)) return true;
        fmt::print(stderr, "{}: {}\n--- console ---\n{}\n---------------\n", machine::name_of(report.verdict.outcome), report.verdict.detail, report.transcript);
        return false;
    });
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](char letter) { return letter >= 'a' && letter <= 'f' ? static_cast<char>(letter - 32) : letter; });
    return text;
}

// Somebody else's key and certificate, made like ours.
const Identity& stranger() {
    static const Identity identity = [] {
        auto key = std::make_shared<PrivateKey>(PrivateKey::generate(RsaBits::rsa2048));
        const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
        auto certificate = make_self_signed(
            *key, {"Stranger", "Stranger db", CertificateUse::code_signing, now - std::chrono::hours(24), now + std::chrono::hours(24)});
        return Identity{key, std::move(certificate)};
    }();
    return identity;
}

Bytes addon(std::string_view command_line, const Identity& signer) {
    const auto image = compose_addon({.stub = samples::addon_stub(), .command_line = std::string(command_line), .kernel_release = {}, .sbat = {}}, "addon");
    return sign_authenticode(image, signer, "addon");
}

TEST(Probe, BootsFromVerityUnderSecureBootAndMeasuresWhatWasPredicted) {
    const Disk disk("probe");
    const auto report = disk.boot();
    ASSERT_THAT(report, ended(Outcome::ready, StartsWith("ashlar-probe: ready root=/dev/mapper/root version=")));
    EXPECT_THAT(report.transcript, HasSubstr("ashlar-probe: secure-boot=1\r\n"));
    EXPECT_THAT(report.transcript, HasSubstr("ashlar-probe: late ok\r\n"));
    const auto predicted = predicted_pcr11(disk.read_boot_file(disk.uki_path()), "uki");
    EXPECT_THAT(report.transcript, HasSubstr("ashlar-probe: pcr11=" + upper(predicted.hex())));
}

TEST(Probe, LeavesTheImageAsItWas) {
    const Disk disk("probe");
    const auto before = sha256_of_file(disk.path());
    ASSERT_THAT(disk.boot(), ended(Outcome::ready, testing::_));
    EXPECT_EQ(sha256_of_file(disk.path()), before);
}

TEST(Probe, BootsFromNvme) {
    const Disk disk("probe");
    EXPECT_THAT(disk.boot([](auto& options) { options.disk_bus = machine::DiskBus::nvme; }), ended(Outcome::ready, testing::_));
}

// ---- What the firmware and the boot loader refuse ----

TEST(Signature, AnUnsignedUkiIsRefused) {
    Disk disk("probe");
    disk.write_boot_file(disk.uki_path(), without_certificates(disk.read_boot_file(disk.uki_path()), "uki"));
    EXPECT_THAT(disk.boot(), ended(Outcome::refused, EndsWith("Access denied")));
}

TEST(Signature, AUkiOfAnotherKeyIsRefused) {
    Disk disk("probe");
    const auto plain = without_certificates(disk.read_boot_file(disk.uki_path()), "uki");
    disk.write_boot_file(disk.uki_path(), sign_authenticode(plain, stranger(), "uki"));
    EXPECT_THAT(disk.boot(), ended(Outcome::refused, EndsWith("Access denied")));
}

TEST(Signature, AChangedUkiIsRefused) {
    Disk disk("probe");
    auto uki = disk.read_boot_file(disk.uki_path());
    const auto command_line = find_section(uki, parse_pe(uki, "uki"), ".cmdline");
    ASSERT_TRUE(command_line);
    uki[static_cast<std::size_t>(command_line->data() - uki.data())] ^= std::byte{1};
    disk.write_boot_file(disk.uki_path(), uki);
    EXPECT_THAT(disk.boot(), ended(Outcome::refused, EndsWith("Access denied")));
}

TEST(Signature, AnUnsignedBootLoaderIsRefused) {
    Disk disk("probe");
    for (const auto* name : {"EFI/BOOT/BOOTX64.EFI", "EFI/systemd/systemd-bootx64.efi"})
        disk.write_boot_file(name, without_certificates(disk.read_boot_file(name), "boot loader"));
    EXPECT_THAT(disk.boot(), ended(Outcome::refused, StartsWith("BdsDxe: failed to load Boot")));
}

TEST(Addon, OfOurKeyAddsToTheCommandLineAndOfAnotherKeyDoesNot) {
    Disk disk("probe");
    disk.write_boot_file(disk.uki_path() + ".extra.d/ours.addon.efi", addon("ashlar.ours=1", Lab::get().signer()));
    disk.write_boot_file(disk.uki_path() + ".extra.d/theirs.addon.efi", addon("ashlar.theirs=1", stranger()));
    const auto report = disk.boot();
    ASSERT_THAT(report, ended(Outcome::ready, testing::_));
    EXPECT_THAT(report.transcript, HasSubstr(" ashlar.ours=1"));
    EXPECT_THAT(report.transcript, Not(HasSubstr("ashlar.theirs")));
    EXPECT_THAT(report.transcript, HasSubstr("theirs.addon.efi', ignoring: Access denied"));
}

// ---- dbx: what was signed and must not start any more ----

TEST(Revocation, AUkiWhoseDigestIsInDbxIsRefused) {
    const Disk disk("probe");
    const TemporaryDirectory directory(std::filesystem::temp_directory_path(), "ashlar-boot-");
    const auto store = directory.path() / "variables.fd";
    write_file(store, text_of(Lab::get().variables_revoking({request_authenticode(disk.read_boot_file(disk.uki_path()), "uki").image})));
    EXPECT_THAT(disk.boot([&](auto& options) { options.variables = store; }), ended(Outcome::refused, EndsWith("Access denied")));
}

// A server in setup mode, the .auth files on the boot partition, and somebody who chose the menu's entry:
// it is the firmware that reads our files and judges who signed them.
class Enrolment : public testing::Test {
protected:
    void enrol(const std::vector<Digest>& revoked) {
        for (const auto& file : Lab::get().variable_files(revoked))
            if (file.name == "PK.auth" || file.name == "KEK.auth" || file.name == "db.auth" || file.name == "dbx.auth")
                disk.write_boot_file("loader/keys/auto/" + file.name, file.contents);
        // What the entry does, without a keyboard.
        disk.write_boot_file("loader/loader.conf", bytes_of("secure-boot-enroll force\n"));
        write_file(store(), read_file(machine::find_firmware().variables));
        ASSERT_THAT(boot(), ended(Outcome::reset, HasSubstr("Secure Boot keys successfully enrolled")));
    }
    [[nodiscard]] machine::Report boot() const {
        return disk.boot([&](auto& options) {
            options.variables = store();
            options.variables_use = machine::Options::Variables::kept;
        });
    }
    [[nodiscard]] std::filesystem::path store() const { return directory.path() / "variables.fd"; }

    Disk disk{"probe"};
    const TemporaryDirectory directory{std::filesystem::temp_directory_path(), "ashlar-boot-"};
};

TEST_F(Enrolment, FirmwareTakesOurFilesAndThenBootsUnderSecureBoot) {
    enrol({sha256("an image of which nothing is known")});
    const auto report = boot();
    ASSERT_THAT(report, ended(Outcome::ready, testing::_));
    EXPECT_THAT(report.transcript, HasSubstr("ashlar-probe: secure-boot=1\r\n"));
}

TEST_F(Enrolment, FirmwareRefusesAUkiThatOurDbxRevokes) {
    enrol({request_authenticode(disk.read_boot_file(disk.uki_path()), "uki").image});
    EXPECT_THAT(boot(), ended(Outcome::refused, EndsWith("Access denied")));
}

// ---- What the initrd refuses ----

TEST(Root, OfAnotherVersionIsNotFound) {
    Disk disk("probe");
    disk.flip(disk.root(), disk.place_of("usr/share/ashlar/late"));
    disk.name_partitions(disk.reseal());
    EXPECT_THAT(disk.boot(), ended(Outcome::refused, StartsWith("ashlar-probe: refused: no partition ")));
}

// The kernel finds at the first read that the tree's top is not what the root hash says.
TEST(Root, OfAnotherVersionUnderTheRightNamesStopsTheInitrd) {
    Disk disk("probe");
    disk.flip(disk.root(), disk.place_of("usr/share/ashlar/late"));
    disk.reseal();
    EXPECT_THAT(disk.boot(), ended(Outcome::panicked, AllOf(HasSubstr("dm-verity device corrupted"), HasSubstr("metadata block 1 is corrupted"))));
}

// ---- What dm-verity refuses: the machine stops at the first block that is not right ----

TEST(FlippedByte, InTheSuperblockStopsTheInitrd) {
    Disk disk("probe");
    disk.flip(disk.root(), 1024 + 4); // the checksum of EROFS
    EXPECT_THAT(disk.boot(), ended(Outcome::panicked, HasSubstr("dm-verity device corrupted")));
}

TEST(FlippedByte, InPid1StopsItsStart) {
    Disk disk("probe");
    disk.flip(disk.root(), disk.place_of("usr/bin/busybox") + 100);
    const auto report = disk.boot();
    EXPECT_THAT(report, ended(Outcome::panicked, HasSubstr("dm-verity device corrupted")));
    EXPECT_THAT(report.transcript, Not(HasSubstr("ashlar-probe: ready")));
}

TEST(FlippedByte, InAFileReadLateStopsTheMachineThen) {
    Disk disk("probe");
    disk.flip(disk.root(), disk.place_of("usr/share/ashlar/late") + 40000);
    const auto report = disk.boot();
    EXPECT_THAT(report, ended(Outcome::panicked, HasSubstr("dm-verity device corrupted")));
    EXPECT_THAT(report.transcript, HasSubstr("ashlar-probe: ready"));
    EXPECT_THAT(report.transcript, Not(HasSubstr("ashlar-probe: late ok")));
}

TEST(FlippedByte, InTheHashTreeStopsTheMachine) {
    Disk disk("probe");
    disk.flip(disk.verity(), 4096 + 8); // its topmost block, after the superblock
    EXPECT_THAT(disk.boot(), ended(Outcome::panicked, HasSubstr("dm-verity device corrupted")));
}

} // namespace

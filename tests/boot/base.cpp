// The whole base, once per matter: a boot takes a minute.

#include "disk.hpp"

#include <base/json.hpp>
#include <base/text.hpp>
#include <signing/pcr.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace lab;
using machine::Outcome;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

void explain(const machine::Report& report) {
    fmt::print(stderr, "{}: {}\n--- console ---\n{}\n---------------\n", machine::name_of(report.verdict.outcome), report.verdict.detail, report.transcript);
}

// The kernel stopped at a block that is not what the root hash vouches for.
void expect_corruption(const machine::Report& report) {
    if (report.verdict.outcome != Outcome::panicked) explain(report);
    EXPECT_EQ(machine::name_of(report.verdict.outcome), "panicked");
    EXPECT_THAT(report.verdict.detail, HasSubstr("dm-verity device corrupted"));
}

// The register when the boot has come to its end.
std::string predicted_at_the_end(ByteView uki) {
    auto pcr = predicted_pcr11(uki, "uki");
    for (const auto* phase : {"enter-initrd", "leave-initrd", "sysinit", "ready"}) pcr = extended_by_phase(pcr, phase);
    return pcr.hex();
}

TEST(Base, RunsFromVerityUnderSecureBootWithNoFailedUnit) {
    const Disk disk("base");
    const auto report = disk.boot([](auto& options) { options.network = machine::Network::user; });
    if (report.verdict.outcome != Outcome::ready) explain(report);
    ASSERT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.verdict.detail;
    const auto& status = *report.status;
    EXPECT_EQ(status.at("state"), "running");
    EXPECT_EQ(status.at("failed"), Json::array());
    EXPECT_EQ(status.at("secure_boot"), true);
    EXPECT_EQ(status.at("root").at("type"), "erofs");
    EXPECT_THAT(status.at("root").at("mapping").get<std::string>(), StartsWith("CRYPT-VERITY-"));
    EXPECT_THAT(status.at("root").at("options").get<std::string>(), StartsWith("ro"));
    EXPECT_EQ(status.at("image").at("id"), "ashlar");
    EXPECT_EQ(status.at("image").at("variant"), "base");
    EXPECT_EQ(lower(status.at("pcr11").get<std::string>()), predicted_at_the_end(disk.read_boot_file(disk.uki_path())));
    fmt::print("boot of base, guest clock: {} ms to the initrd, {} ms to the root, {} ms to running; {:.1f} s of processor time\n",
               status.at("microseconds").at("initrd").get<long>() / 1000, status.at("microseconds").at("userspace").get<long>() / 1000,
               status.at("microseconds").at("finish").get<long>() / 1000, report.processor_time.count());
}

// Whoever holds the management controller or the hypervisor can put strings into the SMBIOS tables. None
// of them must make the node do anything.
TEST(Base, TakesNothingFromTheFirmwaresTables) {
    const Disk disk("base");
    const auto report = disk.boot([](auto& options) {
        // A unit that says "injected-unit-ran" on the serial port.
        const std::string encoded = "W1VuaXRdCkRlZmF1bHREZXBlbmRlbmNpZXM9bm8KW1NlcnZpY2VdClR5cGU9b25lc2hvdApTdGFuZGFyZE91dHB1dD1maWxlOi9kZXYvdHR5UzAKRXhlY1N0YXJ0PWVjaG8gaW5qZWN0ZWQtdW5pdC1yYW4K";
        options.smbios_strings = {
            "io.systemd.credential.binary:systemd.extra-unit.injected.service=" + encoded,
            "io.systemd.credential:systemd.unit-dropin.chrony.service~injected=[Unit]\nWants=injected.service",
            "io.systemd.credential:systemd.unit-dropin.multi-user.target~injected=[Unit]\nWants=injected.service",
            "io.systemd.credential:tmpfiles.extra=f /run/injected - - - - -",
            "io.systemd.credential:passwd.plaintext-password.root=injected",
        };
    });
    if (report.verdict.outcome != Outcome::ready) explain(report);
    ASSERT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.verdict.detail;
    EXPECT_THAT(report.transcript, Not(HasSubstr("injected-unit-ran")));
}

// The one string that the UKI's stub itself obeys, without a signature.
TEST(Base, MountsNoRootWhenTheFirmwaresTablesAddToTheCommandLine) {
    const Disk disk("base");
    const auto report = disk.boot([](auto& options) { options.smbios_strings = {"io.systemd.stub.kernel-cmdline-extra=systemd.import_credentials=yes"}; });
    if (report.verdict.outcome != Outcome::refused) explain(report);
    EXPECT_EQ(machine::name_of(report.verdict.outcome), "refused") << report.verdict.detail;
    EXPECT_THAT(report.transcript, HasSubstr("cannot trust the command line: the firmware's tables added to it"));
}

TEST(Base, ShutsDownWhenItsPowerButtonIsPressed) {
    const Disk disk("base");
    const auto report = disk.boot([](auto& options) { options.until = machine::Until::shut_down; });
    if (report.verdict.outcome != Outcome::ready) explain(report);
    EXPECT_EQ(machine::name_of(report.verdict.outcome), "ready") << report.verdict.detail;
}

TEST(Base, StopsAtAFlippedByteInTheSuperblock) {
    Disk disk("base");
    disk.flip(disk.root(), 1024 + 4); // the checksum of EROFS
    const auto report = disk.boot();
    expect_corruption(report);
}

// Nobody reads systemd-shutdown before the machine shuts down.
TEST(Base, RunsUntilAFlippedByteIsReadAndStopsThen) {
    Disk disk("base");
    disk.flip(disk.root(), disk.place_of("usr/lib/systemd/systemd-shutdown") + 100);
    const auto report = disk.boot([](auto& options) { options.until = machine::Until::shut_down; });
    expect_corruption(report);
    ASSERT_TRUE(report.status) << "the node did not get as far as its report";
    EXPECT_EQ(report.status->at("state"), "running");
}

TEST(Base, StopsAtAFlippedByteInPid1) {
    Disk disk("base");
    disk.flip(disk.root(), disk.place_of("usr/lib/systemd/systemd") + 100);
    const auto report = disk.boot();
    expect_corruption(report);
}

TEST(Base, StartsAgainWhenTheRootIsAnotherVersion) {
    Disk disk("base");
    disk.flip(disk.root(), disk.place_of("usr/lib/systemd/systemd") + 100);
    disk.name_partitions(disk.reseal());
    const auto report = disk.boot();
    if (report.verdict.outcome != Outcome::refused) explain(report);
    EXPECT_EQ(machine::name_of(report.verdict.outcome), "refused");
    EXPECT_THAT(report.verdict.detail, HasSubstr("No Root, Starting Again"));
}

} // namespace

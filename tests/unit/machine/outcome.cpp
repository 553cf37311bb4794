#include <machine/outcome.hpp>

#include <gmock/gmock.h>

using namespace ashlar::machine;

namespace {

// The verdict after all of `text`, and that there was none before its last line.
std::optional<Verdict> after(Watch& watch, std::string_view text) {
    std::optional<Verdict> verdict;
    for (const char letter : text) {
        EXPECT_FALSE(verdict) << "a verdict before the end of the text: " << verdict->detail;
        verdict = watch.console(std::string_view(&letter, 1));
    }
    return verdict;
}

void expect(const std::optional<Verdict>& verdict, Outcome outcome, std::string_view detail) {
    ASSERT_TRUE(verdict);
    EXPECT_EQ(name_of(verdict->outcome), name_of(outcome));
    EXPECT_EQ(verdict->detail, detail);
}

constexpr std::string_view running = R"({"format":1,"state":"running","failed":[],"secure_boot":true})" "\n";
constexpr std::string_view degraded = R"({"format":1,"state":"degraded","failed":["ssh.service","a\\x2db.mount"]})" "\n";

TEST(Watch, SeesTheProbesMarkerThroughColoursAndCarriageReturns) {
    Watch watch(Until::ready);
    expect(after(watch, "BdsDxe: starting Boot0001\r\n\x1b[0m\x1b[37mashlar-probe: ready root=/dev/mapper/root version=R0.0\r\n"),
           Outcome::ready, "ashlar-probe: ready root=/dev/mapper/root version=R0.0");
}

TEST(Watch, ReadsWhatFollowsADrawnMenuAsALineOfItsOwn) {
    Watch watch(Until::ready);
    expect(after(watch, " \x1b[2J\x1b[01;01H\x1b[26;23H   Reboot Into Firmware Interface   \x1b[28;01H  Boot in 1 s. \x1b[2J\x1b[01;01H"
                        "ashlar-probe: refused: no partition 1, or no 2\r\n"),
           Outcome::refused, "ashlar-probe: refused: no partition 1, or no 2");
}

TEST(Watch, WaitsForTheEndOfALine) {
    Watch watch(Until::ready);
    EXPECT_FALSE(watch.console("ashlar-probe: ready root=/dev/mapper/root version=R0"));
    expect(watch.console(".0\n"), Outcome::ready, "ashlar-probe: ready root=/dev/mapper/root version=R0.0");
}

TEST(Watch, KnowsTheRefusalsOfTheBootLoaderAndTheFirmware) {
    constexpr std::string_view loader = R"(../src/boot/boot.c:2576@image_start: Error loading \EFI\Linux\ashlar_1.efi: Access denied)";
    Watch one(Until::ready);
    expect(after(one, std::string(loader) + "\r\n"), Outcome::refused, loader);
    constexpr std::string_view firmware = R"(BdsDxe: failed to load Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x2,0x0): Access Denied)";
    Watch two(Until::ready);
    expect(after(two, std::string(firmware) + "\r\n"), Outcome::refused, firmware);
    constexpr std::string_view violation = R"(BdsDxe: failed to start Boot0002 "EFI Internal Shell" from Fv(7CB8): Security Violation)";
    Watch three(Until::ready);
    expect(after(three, std::string(violation) + "\n"), Outcome::refused, violation);
}

TEST(Watch, TakesAnIgnoredAddOnForNoRefusal) {
    Watch watch(Until::ready);
    EXPECT_FALSE(watch.console("../src/boot/stub.c:597@load_addons: Failed to read 'other.addon.efi' from 'x', ignoring: Access denied\r\n"));
}

TEST(Watch, KnowsTheRefusalsOfBothInitrds) {
    Watch probe(Until::ready);
    expect(after(probe, "ashlar-probe: refused: /dev/vda2 does not have the root hash 00\n"), Outcome::refused,
           "ashlar-probe: refused: /dev/vda2 does not have the root hash 00");
    Watch node(Until::ready);
    expect(after(node, "         Starting \x1b[0;1;39memergency.service\x1b[0m - No Root, Starting Again...\n"),
           Outcome::refused, "Starting emergency.service - No Root, Starting Again...");
}

TEST(Watch, TellsThePanicAndTheCorruptBlockBeforeIt) {
    Watch watch(Until::ready);
    expect(after(watch, "[    5.1] device-mapper: verity: 254:2: data block 17 is corrupted\n"
                        "[    5.2] Kernel panic - not syncing: dm-verity device corrupted\n"),
           Outcome::panicked, "dm-verity device corrupted ([    5.1] device-mapper: verity: 254:2: data block 17 is corrupted)");
}

TEST(Watch, PanicAfterReadyCountsWhenThePowerOffIsAwaited) {
    Watch watch(Until::power_off);
    EXPECT_FALSE(watch.console("ashlar-probe: ready root=/dev/mapper/root version=R0.0\n"));
    EXPECT_FALSE(watch.console("[    9.9] Kernel panic - not syncing: dm-verity device corrupted\n")) << "its kernel still writes its last words";
    expect(watch.shut_down("guest-reset"), Outcome::panicked, "dm-verity device corrupted");
    expect(watch.out_of_budget(), Outcome::panicked, "dm-verity device corrupted");
}

TEST(Watch, IsReadyWhenTheNodeRuns) {
    Watch watch(Until::ready);
    EXPECT_FALSE(watch.status_port(running.substr(0, 20)));
    expect(watch.status_port(running.substr(20)), Outcome::ready, "the node is running");
    ASSERT_TRUE(watch.status());
    EXPECT_EQ(watch.status()->at("secure_boot"), true);
}

TEST(Watch, NamesTheFailedUnits) {
    Watch watch(Until::ready);
    expect(watch.status_port(degraded), Outcome::degraded, R"(the node is degraded; failed: ssh.service, a\x2db.mount)");
}

TEST(Watch, TakesNothingForGrantedFromTheStatusPort) {
    Watch text(Until::ready);
    const auto verdict = text.status_port("no JSON\n");
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->outcome, Outcome::degraded);
    EXPECT_THAT(verdict->detail, testing::StartsWith("cannot parse 'the status port': "));
    Watch object(Until::ready);
    const auto incomplete = object.status_port("{\"format\":1}\n");
    ASSERT_TRUE(incomplete);
    EXPECT_EQ(incomplete->outcome, Outcome::degraded);
    EXPECT_THAT(incomplete->detail, testing::StartsWith("cannot understand what came by the status port: "));
}

TEST(Watch, JudgesTheEndOfTheMachine) {
    Watch silent(Until::ready);
    expect(silent.shut_down("guest-shutdown"), Outcome::powered_off, "the machine powered off before it was ready, after: (the console said nothing)");
    Watch watch(Until::power_off);
    EXPECT_FALSE(watch.console("first\nlast words\r\n\r\n"));
    expect(watch.shut_down("guest-reset"), Outcome::reset, "the machine started again after: last words");
    expect(watch.shut_down("host-signal"), Outcome::interrupted, "the emulator was stopped (host-signal)");
    expect(watch.out_of_budget(), Outcome::timed_out, "nothing came in time; the last line is: last words");
    EXPECT_FALSE(watch.status_port(running));
    expect(watch.shut_down("guest-shutdown"), Outcome::ready, "the node is running");
    expect(watch.out_of_budget(), Outcome::timed_out, "no power off came in time; the last line is: last words");
}

TEST(Watch, RemembersThatTheNodeWasDegraded) {
    Watch watch(Until::power_off);
    EXPECT_FALSE(watch.status_port(degraded));
    expect(watch.shut_down("guest-shutdown"), Outcome::degraded, R"(the node is degraded; failed: ssh.service, a\x2db.mount)");
}

TEST(Outcome, HasAnExitCodeOfItsOwn) {
    EXPECT_EQ(exit_code(Outcome::ready), 0);
    EXPECT_EQ(exit_code(Outcome::degraded), 10);
    EXPECT_EQ(exit_code(Outcome::refused), 11);
    EXPECT_EQ(exit_code(Outcome::panicked), 12);
    EXPECT_EQ(exit_code(Outcome::reset), 13);
    EXPECT_EQ(exit_code(Outcome::powered_off), 14);
    EXPECT_EQ(exit_code(Outcome::timed_out), 15);
    EXPECT_EQ(exit_code(Outcome::interrupted), 130);
}

} // namespace

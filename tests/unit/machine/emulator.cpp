#include <emulator.hpp>

#include <gmock/gmock.h>

using namespace ashlar::machine;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

namespace {

Options options() { return {.disk = "/images/a,b.raw", .firmware = {"/fw/code.fd", "/fw/vars.fd"}, .variables = "/fw/vars.fd"}; }

std::vector<std::string> arguments(const Options& chosen) { return emulator_arguments(chosen, "/run/vars.fd"); }

TEST(Emulator, NeverWritesToTheImageAndEscapesItsName) {
    EXPECT_THAT(arguments(options()), Contains("id=disk,if=none,format=raw,snapshot=on,file=/images/a,,b.raw"));
}

TEST(Emulator, LogsWhatIsWrittenToTheDisk) {
    auto logged = options();
    logged.writes = Writes::kept;
    logged.write_log = "/logs/a";
    const auto words = arguments(logged);
    EXPECT_THAT(words, Contains("driver=file,node-name=disk-content-file,filename=/images/a,,b.raw"));
    EXPECT_THAT(words, Contains("driver=file,node-name=disk-log-file,filename=/logs/a"));
    EXPECT_THAT(words, Contains("driver=blklogwrites,node-name=disk,file=disk-content,log=disk-log,log-sector-size=512"));
    EXPECT_THAT(words, Contains("virtio-blk-pci,drive=disk,bootindex=1"));
    EXPECT_THAT(words, Not(Contains(HasSubstr("id=disk"))));
}

TEST(Emulator, KeepsFirmwareCodeReadOnlyAndVariablesBehindSystemManagement) {
    const auto words = arguments(options());
    EXPECT_THAT(words, Contains("if=pflash,unit=0,format=raw,readonly=on,file=/fw/code.fd"));
    EXPECT_THAT(words, Contains("if=pflash,unit=1,format=raw,file=/run/vars.fd"));
    EXPECT_THAT(words, Contains("q35,smm=on"));
    EXPECT_THAT(words, Contains("driver=cfi.pflash01,property=secure,value=on"));
}

TEST(Emulator, EmulatesUnlessAskedOtherwise) {
    EXPECT_THAT(arguments(options()), Contains("tcg,thread=multi"));
    auto fast = options();
    fast.acceleration = Acceleration::kvm;
    EXPECT_THAT(arguments(fast), Contains("kvm"));
    EXPECT_THAT(arguments(fast), Not(Contains("tcg,thread=multi")));
}

TEST(Emulator, LeavesOutWhatIsNotWanted) {
    auto bare = options();
    bare.tpm = Tpm::none;
    bare.network = Network::none;
    const auto words = arguments(bare);
    EXPECT_THAT(words, Not(Contains(HasSubstr("tpm"))));
    EXPECT_THAT(words, Not(Contains(HasSubstr("netdev"))));
}

TEST(Emulator, TakesSmbiosStringsAsTheyAre) {
    auto with = options();
    with.smbios_strings = {"io.systemd.credential:a=b,c"};
    EXPECT_THAT(arguments(with), Contains("type=11,value=io.systemd.credential:a=b,,c"));
}

TEST(Emulator, LogsTheConsoleWhereverItGoes) {
    auto with = options();
    with.serial_log = "/log/x.log";
    EXPECT_THAT(arguments(with), Contains("socket,id=console,fd=10,logfile=/log/x.log"));
    with.console = Console::terminal;
    EXPECT_THAT(arguments(with), Contains("stdio,id=console,logfile=/log/x.log"));
}

TEST(Emulator, PutsFurtherArgumentsLast) {
    auto with = options();
    with.more_arguments = {"-icount", "shift=1"};
    EXPECT_EQ(arguments(with).back(), "shift=1");
}

TEST(Emulator, GivesTheTpmAnAbsoluteDirectory) {
    EXPECT_THAT(tpm_arguments("state", 10), Contains("dir=" + std::filesystem::absolute("state").native()));
}

} // namespace

// A medium installs itself on a disk whose writes are recorded, and every cut of it is judged; twenty of the
// states are started in QEMU.

#include "../boot/disk.hpp"
#include "recorder.hpp"
#include "survey.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <image/architecture.hpp>
#include <image/disk.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

using namespace ashlar;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

constexpr std::uint64_t disk_size = std::uint64_t{8} << 30U;

namespace fs = std::filesystem;

fs::path required(const char* variable) {
    if (const char* value = std::getenv(variable)) return value;
    throw Error(fmt::format("cannot find the images: {} is not set", variable), "run these tests by tests/powercut/run");
}

// An image that installs itself on the disk with the serial number "target", whatever that carries.
void install(const fs::path& image, const powercut::RecordedDisk& target) {
    const TemporaryDirectory directory(fs::temp_directory_path(), "ashlar-powercut-");
    const fs::path stick = directory.path() / "medium.raw", site = directory.path() / "site.toml";
    run_checked({.argv = {"cp", "--sparse=always", "--reflink=auto", image.native(), stick.native()}});
    write_file(site, "[site]\nname = \"berlin-1\"\n\n[install]\nencryption = \"off\"\nwipe = \"always\"\n\n[install.disk]\nserial = \"target\"\n");
    const auto esp = *image::read_partition_table(stick).find(image::boot_partition_type());
    const std::string volume = fmt::format("{}@@{}", stick.native(), esp.offset);
    run_checked({.argv = {"mmd", "-i", volume, "::/ashlar"}});
    run_checked({.argv = {"mcopy", "-i", volume, site.native(), "::/ashlar/site.toml"}});
    const auto report = machine::boot({.disk = stick, .firmware = machine::find_firmware(), .variables = lab::Lab::get().variables(), .network = machine::Network::none,
                                       .until = machine::Until::power_off, .more_arguments = target.arguments("target")});
    if (report.transcript.find("installed; starting again from the disk") == std::string::npos)
        throw Error(fmt::format("cannot record an installation: {}", report.transcript));
}

class InstallationCut : public testing::Test {
protected:
    // R0.0 on an empty disk, and R0.1 on what that left.
    static void SetUpTestSuite() {
        directory_ = std::make_unique<TemporaryDirectory>(fs::temp_directory_path(), "ashlar-powercut-");
        // Recordings of a run are kept for the next where this names a directory.
        const char* kept = std::getenv("ASHLAR_POWERCUT_RECORDINGS");
        const fs::path place = kept == nullptr ? directory_->path() : fs::path(kept);
        for (const char* name : {"installation", "another"}) fs::create_directories(place / name);
        const powercut::RecordedDisk first(place / "installation", disk_size);
        if (!first.is_recorded()) install(first_image().native() + ".raw", first);
        const powercut::RecordedDisk second = powercut::RecordedDisk::is_recorded_in(place / "another")
                                                  ? powercut::RecordedDisk(place / "another", disk_size)
                                                  : powercut::RecordedDisk(place / "another", first.path());
        if (!second.is_recorded()) install(second_image().native() + ".raw", second);
        log_ = std::make_unique<powercut::Log>(first.log());
        log_of_another_ = std::make_unique<powercut::Log>(second.log());
        installed_ = first.path();
    }
    static void TearDownTestSuite() {
        log_.reset();
        log_of_another_.reset();
        directory_.reset();
    }
    // Without ".raw".
    static fs::path first_image() { return lab::Lab::get().base_of("base"); }
    static fs::path second_image() { return required("ASHLAR_POWERCUT_NEXT") / "ashlar_base_R0.1_amd64"; }
    static powercut::Recording recording(const powercut::Log& log) {
        return {.log = log, .sectors = disk_size / powercut::sector_size, .before = {}, .releases = {powercut::release_of(first_image(), "R0.0")}};
    }
    static inline std::unique_ptr<TemporaryDirectory> directory_;
    static inline std::unique_ptr<powercut::Log> log_, log_of_another_;
    static inline fs::path installed_;
};

TEST_F(InstallationCut, LeavesADiskThatStartsOrIsInstalledAnew) {
    auto all = recording(*log_);
    all.fsck_each = 1;
    const auto result = survey(all, {});
    fmt::print("installation: {}", result.text());
    EXPECT_THAT(result.violations, IsEmpty());
    EXPECT_THAT(result.disagreements, IsEmpty());
    EXPECT_EQ(result.outcomes.count("starts R0.0"), 1U);
}

TEST_F(InstallationCut, OfANodeThatIsInstalledAnewLeavesTheOldOneOrIsInstalledAgain) {
    powercut::Recording all = recording(*log_of_another_);
    all.before = installed_;
    all.releases.push_back(powercut::release_of(second_image(), "R0.1"));
    const auto result = survey(all, {});
    fmt::print("installation over another: {}", result.text());
    EXPECT_THAT(result.violations, IsEmpty());
    EXPECT_EQ(result.outcomes.count("starts R0.0"), 1U);
    EXPECT_EQ(result.outcomes.count("starts R0.1"), 1U);
}

TEST_F(InstallationCut, IsCaughtWhenTheOrderIsWrong) {
    // The same writes; those of the mark are left out, and the root's come last.
    powercut::Disk end(*log_, disk_size / powercut::sector_size);
    for (std::size_t i = 0; i < log_->entries().size(); ++i) end.apply(i);
    const powercut::Range root = powercut::layout_of(powercut::read_table(end).value()).slots.front().first;
    std::vector<powercut::Entry> entries = log_->entries();
    std::erase_if(entries, [](const powercut::Entry& entry) { return entry.kind != powercut::Entry::Kind::flush && entry.sector == 524288 / powercut::sector_size; });
    std::ranges::stable_partition(entries, [&](const powercut::Entry& entry) { return entry.kind == powercut::Entry::Kind::flush || !root.contains(entry.sector); });
    const powercut::Log wrong = log_->with(entries);
    const auto result = survey(recording(wrong), {});
    EXPECT_THAT(result.violations, Contains(HasSubstr("'ashlar_R0.0.efi' is chosen, and its root is not complete")));
}

TEST_F(InstallationCut, IsWhatTheMachineSaysItIs) {
    std::size_t agreed = 0, asked = 0;
    visit_samples(recording(*log_), {}, 20, [&](const powercut::Disk& disk, const powercut::Sample& sample) {
        const auto file = directory_->path() / "cut.raw";
        disk.save({0, disk.sectors()}, file);
        const bool starts = sample.verdict.kind == powercut::Verdict::Kind::starts;
        const auto report = machine::boot({.disk = file,
                                           .firmware = machine::find_firmware(),
                                           .variables = lab::Lab::get().variables(),
                                           .writes = machine::Writes::kept,
                                           .network = machine::Network::none,
                                           .budget = {.processor = std::chrono::seconds(400), .idle = std::chrono::seconds(starts ? 200 : 15)}});
        const bool started = report.verdict.outcome == machine::Outcome::ready;
        fmt::print("{}: {}; the machine: {}\n", sample.cut.text(), sample.verdict.text, machine::name_of(report.verdict.outcome));
        EXPECT_EQ(started, starts) << report.verdict.detail << '\n' << report.transcript;
        ++asked;
        agreed += started == starts ? 1U : 0U;
    });
    fmt::print("{} of {} cuts end as they were judged\n", agreed, asked);
    EXPECT_EQ(asked, 20U);
}

} // namespace

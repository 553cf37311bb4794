// A medium installs itself on a disk whose writes are recorded, and every cut of it is judged; twenty of the
// states are started in QEMU.

#include "recordings_run.hpp"
#include "survey.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

using namespace ashlar;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

namespace fs = std::filesystem;

class InstallationCut : public testing::Test {
protected:
    static void SetUpTestSuite() {
        const auto& recordings = lab::Recordings::get();
        log_ = std::make_unique<powercut::Log>(recordings.installation().log());
        log_of_another_ = std::make_unique<powercut::Log>(recordings.another().log());
    }
    static void TearDownTestSuite() {
        log_.reset();
        log_of_another_.reset();
    }
    static fs::path first_image() { return lab::Recordings::first_image(); }
    static fs::path second_image() { return lab::Recordings::second_image(); }
    static powercut::Recording recording(const powercut::Log& log) {
        return {.log = log, .sectors = lab::Recordings::disk_size / powercut::sector_size, .before = {}, .releases = {powercut::release_of(first_image(), "R0.0")}};
    }
    static inline std::unique_ptr<powercut::Log> log_, log_of_another_;
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
    all.before = lab::Recordings::get().another().before();
    all.releases.push_back(powercut::release_of(second_image(), "R0.1"));
    const auto result = survey(all, {});
    fmt::print("installation over another: {}", result.text());
    EXPECT_THAT(result.violations, IsEmpty());
    EXPECT_EQ(result.outcomes.count("starts R0.0"), 1U);
    EXPECT_EQ(result.outcomes.count("starts R0.1"), 1U);
}

TEST_F(InstallationCut, IsCaughtWhenTheOrderIsWrong) {
    // The same writes; those of the mark are left out, and the root's come last.
    powercut::Disk end(*log_, lab::Recordings::disk_size / powercut::sector_size);
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
    const TemporaryDirectory directory(fs::temp_directory_path(), "ashlar-powercut-");
    std::size_t agreed = 0, asked = 0;
    visit_samples(recording(*log_), {}, 20, [&](const powercut::Disk& disk, const powercut::Sample& sample) {
        const auto file = directory.path() / "cut.raw";
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

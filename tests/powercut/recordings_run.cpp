#include "recordings_run.hpp"

#include "../boot/repository_medium.hpp"
#include "recorder.hpp"
#include "verdict.hpp"

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/process.hpp>
#include <image/architecture.hpp>
#include <state/state.hpp>

#include <cstdlib>

#include <fmt/format.h>

namespace lab {

namespace fs = std::filesystem;

namespace {

void copy_disk(const fs::path& from, const fs::path& to) { run_checked({.argv = {"cp", "--sparse=always", "--reflink=auto", from.native(), to.native()}}); }

machine::Options machine_with(const Recording& recording, std::vector<std::string> more) {
    write_file(recording.log_file(), "");
    return {.disk = recording.after(),
            .firmware = machine::find_firmware(),
            .variables = Lab::get().variables(),
            .writes = machine::Writes::kept,
            .write_log = recording.log_file(),
            .network = machine::Network::none,
            .budget = {.processor = std::chrono::seconds(800), .idle = std::chrono::seconds(300)},
            .more_arguments = std::move(more)};
}

void require(const Recording& recording, const machine::Report& report, std::string_view words) {
    if (report.transcript.find(words) != std::string::npos) return;
    throw Error(fmt::format("cannot record '{}': the machine did not say '{}', but:\n{}", recording.log_file().native(), words, report.transcript));
}

// An image that installs itself on the recorded disk, whatever that carries.
void install(const fs::path& image, const Recording& recording) {
    const TemporaryDirectory directory(fs::temp_directory_path(), "ashlar-powercut-");
    const fs::path stick = directory.path() / "medium.raw", site = directory.path() / "site.toml";
    copy_disk(image, stick);
    write_file(site, "[site]\nname = \"berlin-1\"\n\n[install]\nencryption = \"off\"\nwipe = \"always\"\n\n[install.disk]\nserial = \"target\"\n");
    const auto esp = *image::read_partition_table(stick).find(image::boot_partition_type());
    const std::string volume = fmt::format("{}@@{}", stick.native(), esp.offset);
    run_checked({.argv = {"mmd", "-i", volume, "::/ashlar"}});
    run_checked({.argv = {"mcopy", "-i", volume, site.native(), "::/ashlar/site.toml"}});

    const powercut::RecordedDisk disk(recording.directory(), Recordings::disk_size);
    machine::Options options = machine_with(recording, disk.arguments("target"));
    options.disk = stick;
    options.writes = machine::Writes::discarded;
    options.write_log.reset();
    options.until = machine::Until::power_off;
    require(recording, machine::boot(options), "installed; starting again from the disk");
}

// Asks the node that is on the disk to upgrade: its journal (docs/formats/upgrade.md) says that it was asked.
void ask_for_upgrade(const fs::path& disk, const fs::path& scratch) {
    const auto table = image::read_partition_table(disk);
    const auto& place = *table.find(state::partition_type());
    const std::string megabytes = std::to_string(place.size >> 20U), offset = std::to_string(place.offset >> 20U);
    run_checked({.argv = {"dd", "status=none", "bs=1M", "if=" + disk.native(), "of=" + scratch.native(), "skip=" + offset, "count=" + megabytes}});
    Json content = state::read(scratch).value().content;
    content["upgrade"] = {{"phase", "checking"},
                          {"source", {{"location", RepositoryMedium("mirror").device()}, {"proxy", ""}, {"certificates", ""}}},
                          {"restart", true},
                          {"attempts", 0},
                          {"origin", {{"release", "R0.0"}, {"root_hash", powercut::release_of(Recordings::first_image(), "R0.0").root_hash.hex()}}}};
    state::write(scratch, content);
    run_checked({.argv = {"dd", "status=none", "bs=1M", "conv=notrunc", "if=" + scratch.native(), "of=" + disk.native(), "seek=" + offset}});
}

} // namespace

const Recordings& Recordings::get() {
    static const Recordings recordings;
    return recordings;
}

Recordings::Recordings() : directory_(fs::temp_directory_path(), "ashlar-powercut-") {
    const char* kept = std::getenv("ASHLAR_POWERCUT_RECORDINGS");
    place_ = kept == nullptr ? directory_.path() : fs::path(kept);
}

// A recording that did not come to its end is none: until then its directory has another name.
Recording Recordings::recorded(const std::string& name, const std::function<void(const Recording&)>& record) const {
    const fs::path done = place_ / name, draft = place_ / (name + ".part");
    if (!fs::exists(done)) {
        fs::remove_all(draft);
        fs::create_directories(draft);
        record(Recording(draft));
        fs::rename(draft, done);
    }
    return Recording(done);
}

fs::path Recordings::first_image() { return Lab::get().base_of("base"); }

fs::path Recordings::second_image() {
    if (const char* place = std::getenv("ASHLAR_POWERCUT_NEXT")) return fs::path(place) / "ashlar_base_R0.1_amd64";
    throw Error("cannot find the second release: ASHLAR_POWERCUT_NEXT is not set", "run these tests by tests/powercut/run");
}

Recording Recordings::installation() const {
    return recorded("installation", [](const Recording& recording) { install(first_image().native() + ".raw", recording); });
}

Recording Recordings::another() const {
    return recorded("another", [&](const Recording& recording) {
        copy_disk(installation().after(), recording.before());
        copy_disk(recording.before(), recording.after());
        install(second_image().native() + ".raw", recording);
    });
}

Recording Recordings::upgrade() const {
    return recorded("upgrade", [&](const Recording& recording) {
        const TemporaryDirectory directory(fs::temp_directory_path(), "ashlar-powercut-");
        const RepositoryMedium medium("mirror");
        copy_disk(installation().after(), recording.after());
        ask_for_upgrade(recording.after(), directory.path() / "state");
        copy_disk(recording.after(), recording.before());
        auto options = machine_with(recording, medium.arguments());
        options.until = machine::Until::power_off;
        require(recording, machine::boot(options), "reboot: Restarting system");
    });
}

Recording Recordings::trial() const {
    return recorded("trial", [&](const Recording& recording) {
        copy_disk(upgrade().after(), recording.before());
        copy_disk(recording.before(), recording.after());
        auto options = machine_with(recording, {});
        options.until = machine::Until::shut_down;
        require(recording, machine::boot(options), "R0.1: installed");
    });
}

} // namespace lab

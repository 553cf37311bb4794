#include <rescue/export.hpp>

#include "pack.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <ctime>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace ashlar::rescue {

namespace fs = std::filesystem;

namespace {

// For FAT, syncfs(2) writes everything, and fsync(2) has the disk keep it.
void sync(const fs::path& path, int flags) {
    const Fd file = open_file(path, flags);
    if (::syncfs(file.get()) != 0 || ::fsync(file.get()) != 0) throw system_error("sync", path.native());
}

bool is_full(const fs::path& stick) {
    struct statvfs info{};
    return ::statvfs(stick.c_str(), &info) == 0 && info.f_bavail * info.f_frsize < (1U << 20U);
}

void pack_logs(const fs::path& stick, const fs::path& file, const fs::path& directory, const std::vector<std::string>& names) {
    const Outcome outcome = pack(file, directory, names, Compression::gzip);
    if (outcome.exit_code <= 1) return;
    if (is_full(stick)) throw Error("cannot write the logs: the stick is full", "delete something from it, or take a larger one");
    throw Error(fmt::format("cannot write the logs: {}", trim(outcome.errors)), "is the stick write-protected? Try another one");
}

} // namespace

// tar ends with 1 where a log grew while it was read: what it was then is in the archive.
Outcome pack(const fs::path& file, const fs::path& directory, const std::vector<std::string>& names, Compression compression) {
    std::vector<std::string> argv{"tar", "--create", compression == Compression::gzip ? "--gzip" : "--zstd", "--dereference", "--sparse", "--warning=no-file-changed", "--file=" + file.native(), "--directory=" + directory.native()};
    argv.insert(argv.end(), names.begin(), names.end());
    return run({.argv = std::move(argv)});
}

std::string archive_name(std::string_view node, std::chrono::sys_seconds time) {
    return fmt::format("logs-{}-{:%Y%m%dT%H%M%SZ}.tar.gz", node, fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count())));
}

fs::path write_archive(const fs::path& stick, const std::string& name, const std::vector<Source>& sources, const fs::path& scratch) {
    const TemporaryDirectory all(scratch, "logs-");
    std::vector<std::string> names;
    for (const auto& source : sources) {
        if (!fs::exists(source.path)) continue;
        fs::create_symlink(fs::absolute(source.path), all.path() / source.name);
        names.push_back(source.name);
    }
    if (names.empty()) throw Error("cannot write the logs: there are none");
    const fs::path directory = stick / "ashlar", file = directory / name, temporary = file.native() + ".tmp";
    std::error_code failure;
    fs::create_directories(directory, failure);
    if (failure) throw system_error("create", directory.native(), failure.value());
    try {
        pack_logs(stick, temporary, all.path(), names);
        sync(temporary, O_RDONLY);
        fs::rename(temporary, file, failure);
        if (failure) throw system_error("rename", temporary.native(), failure.value());
        sync(directory, O_RDONLY | O_DIRECTORY);
    } catch (const Error&) {
        fs::remove(temporary, failure);
        throw;
    }
    return file;
}

} // namespace ashlar::rescue

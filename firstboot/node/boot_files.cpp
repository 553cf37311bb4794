#include "boot_files.hpp"

#include <node/mounts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

// Where firmware looks on a disk that it has no entry for.
bool starts_the_disk(const fs::path& path) { return path.parent_path() == "EFI/BOOT"; }

std::vector<fs::path> files_below(const fs::path& from) {
    std::vector<fs::path> files;
    for (const char* top : {"EFI", "loader"})
        for (const auto& entry : fs::recursive_directory_iterator(from / top))
            if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(from));
    std::ranges::sort(files, {}, [](const fs::path& path) { return std::pair(starts_the_disk(path), path); });
    return files;
}

void sync_all(const fs::path& place) {
    const Fd directory = open_file(place, O_RDONLY | O_DIRECTORY);
    // For FAT, syncfs(2) sends everything to the disk, and does not tell the disk to keep it: only fsync(2)
    // flushes the disk's cache.
    if (::syncfs(directory.get()) != 0 || ::fsync(directory.get()) != 0) throw system_error("sync", place.native());
}

} // namespace

void copy_boot_files(const fs::path& from, const fs::path& device, const fs::path& place) {
    Mount mount(device.native(), place, "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    for (const auto& file : files_below(from)) {
        const fs::path to = place / file, temporary = to.native() + ".tmp";
        fs::create_directories(to.parent_path());
        fs::copy_file(from / file, temporary);
        sync_all(place);
        std::error_code failure;
        fs::rename(temporary, to, failure);
        if (failure) throw system_error("rename", temporary.native(), failure.value());
    }
    sync_all(place);
    mount.close();
}

} // namespace ashlar::node

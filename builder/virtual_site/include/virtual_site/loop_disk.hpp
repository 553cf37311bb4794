#pragma once

// A file as a disk: a loop device that is free again when nobody has it open any more, however this process ends.

#include <base/file.hpp>

#include <cstdint>
#include <filesystem>

namespace ashlar::virtual_site {

class LoopDisk {
public:
    // Throws Error where the machine gives out no loop devices.
    explicit LoopDisk(const std::filesystem::path& file);

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; } // "/dev/loop7"

private:
    std::filesystem::path path_;
    Fd device_;
};

// A sparse file of that size, where there is none yet. One that is there stays as it is, however large.
void make_disk_file(const std::filesystem::path& file, std::uint64_t size);

} // namespace ashlar::virtual_site

#pragma once

// A virtual disk whose writes are logged by QEMU.

#include "log.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace powercut {

class RecordedDisk {
public:
    // In `directory`; of zeros where there is none.
    RecordedDisk(std::filesystem::path directory, std::uint64_t size);

    [[nodiscard]] std::filesystem::path path() const { return directory_ / "disk.raw"; }
    [[nodiscard]] std::uint64_t sectors() const { return std::filesystem::file_size(path()) / sector_size; }
    // Arguments for QEMU that add it to a machine with this serial number. Each start begins a new log.
    [[nodiscard]] std::vector<std::string> arguments(const std::string& serial) const;
    [[nodiscard]] Log log() const { return Log::read(log_path()); }

private:
    [[nodiscard]] std::filesystem::path log_path() const { return directory_ / "writes.log"; }
    std::filesystem::path directory_;
};

} // namespace powercut

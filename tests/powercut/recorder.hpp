#pragma once

// A virtual disk whose writes are logged by QEMU.

#include "log.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace powercut {

class RecordedDisk {
public:
    // In `directory`, of zeros.
    RecordedDisk(std::filesystem::path directory, std::uint64_t size);
    // Of what `content` holds; it is copied.
    RecordedDisk(std::filesystem::path directory, const std::filesystem::path& content);

    [[nodiscard]] std::filesystem::path path() const { return directory_ / "disk.raw"; }
    [[nodiscard]] std::uint64_t sectors() const { return std::filesystem::file_size(path()) / sector_size; }
    // Arguments for QEMU that add it to a machine with this serial number. Each start begins a new log.
    [[nodiscard]] std::vector<std::string> arguments(const std::string& serial) const;
    [[nodiscard]] bool is_recorded() const { return is_recorded_in(directory_); }
    [[nodiscard]] static bool is_recorded_in(const std::filesystem::path& directory);
    [[nodiscard]] Log log() const { return Log::read(log_path()); }

private:
    [[nodiscard]] std::filesystem::path log_path() const { return directory_ / "writes.log"; }
    std::filesystem::path directory_;
};

} // namespace powercut

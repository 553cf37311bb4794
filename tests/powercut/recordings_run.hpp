#pragma once

// What a node's disk was told while it was installed, installed over, upgraded and started after that: each
// recorded in QEMU when it is first asked for. ASHLAR_POWERCUT_RECORDINGS names a directory that keeps them.

#include "../boot/disk.hpp"
#include "log.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace lab {

class Recording {
public:
    explicit Recording(std::filesystem::path directory) : directory_(std::move(directory)) {}
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
    [[nodiscard]] powercut::Log log() const { return powercut::Log::read(directory_ / "writes.log"); }
    [[nodiscard]] std::filesystem::path before() const { return directory_ / "before.raw"; } // the disk
    [[nodiscard]] std::filesystem::path after() const { return directory_ / "disk.raw"; }
    [[nodiscard]] std::filesystem::path log_file() const { return directory_ / "writes.log"; }

private:
    std::filesystem::path directory_;
};

class Recordings {
public:
    static constexpr std::uint64_t disk_size = std::uint64_t{8} << 30U;
    [[nodiscard]] static const Recordings& get();
    // R0.0 and R0.1, without ".raw".
    [[nodiscard]] static std::filesystem::path first_image();
    [[nodiscard]] static std::filesystem::path second_image();

    [[nodiscard]] Recording installation() const; // R0.0 on an empty disk
    [[nodiscard]] Recording another() const;      // R0.1 over what that left
    [[nodiscard]] Recording upgrade() const;      // a node with R0.0 goes to R0.1, up to its restart
    [[nodiscard]] Recording trial() const;        // the first start after that, until the release is blessed

private:
    Recordings();
    [[nodiscard]] Recording recorded(const std::string& name, const std::function<void(const Recording&)>& record) const;
    TemporaryDirectory directory_;
    std::filesystem::path place_;
};

} // namespace lab

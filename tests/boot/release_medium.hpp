#pragma once

// A release as `ashlar publish` writes it, on a medium for the machines of the tests.

#include <base/file.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace lab {

// An ext4 file system without a partition table, in a file that goes with this object.
class ReleaseMedium {
public:
    // Images by what their files' names have in common, "…/ashlar_base_R0.1_amd64"; `old` gets a delta.
    ReleaseMedium(const std::filesystem::path& now, const std::filesystem::path& old);
    // For QEMU: the node has it as /dev/disk/by-id/virtio-release.
    [[nodiscard]] std::vector<std::string> arguments() const;

private:
    [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "medium.raw"; }
    ashlar::TemporaryDirectory directory_{std::filesystem::temp_directory_path(), "ashlar-boot-"};
};

} // namespace lab

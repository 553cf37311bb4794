#pragma once

// A repository of releases on a medium for the machines of the tests, as tests/boot/prepare or tests/trains/run made it.

#include <filesystem>
#include <string>
#include <vector>

namespace lab {

class RepositoryMedium {
public:
    // $ASHLAR_BOOT_MEDIA/<name>.raw: an ext4 file system with the repository in "ashlar/". Nothing is ever written to it.
    explicit RepositoryMedium(std::string name);
    // For QEMU, beside others.
    [[nodiscard]] std::vector<std::string> arguments() const;
    // What the node calls it.
    [[nodiscard]] std::string device() const { return "/dev/disk/by-id/virtio-" + name_; }

private:
    std::string name_;
    std::filesystem::path path_;
};

} // namespace lab

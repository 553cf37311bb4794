#pragma once

// In the initrd: the root's device, on the disk that the firmware started from.
//
// A medium, the disk that was installed from it, and a second slot with the same release carry the same
// partition identifiers, and udev links whichever it saw last. The boot loader tells the kernel its own
// partition, and that decides.

#include <disks/disk.hpp>
#include <signing/digest.hpp>

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace ashlar::node {

struct RootDevices {
    std::filesystem::path data, hash_tree;
    bool operator==(const RootDevices&) const = default;
};

// The partitions whose identifiers are the halves of `root_hash`, on the disk that was started from. An
// empty `boot_partition_id` (disks/inventory.hpp: the UKI came by network) leaves those of the only disk that has them; an
// Error when several do. Nothing: not seen so far. Two slots of a disk with one root are equal, and the
// first is taken; dm-verity decides about each block.
[[nodiscard]] std::optional<RootDevices> root_on(const std::vector<disks::Disk>& disks, std::string_view boot_partition_id, const Digest& root_hash);

// Waits for them and opens /dev/mapper/root. An Error as soon as the disk is there and has no such
// partitions, or when no such disk comes within 90 seconds.
void open_root();

} // namespace ashlar::node

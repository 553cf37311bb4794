#pragma once

// The disk of this node, from its own running system.

#include <base/json.hpp>
#include <disks/inventory.hpp>

#include <filesystem>
#include <string_view>

namespace ashlar::node {

struct OwnDisk {
    disks::Disk disk;
    std::filesystem::path state; // device of the state partition
    Json content;                // of the state
    [[nodiscard]] const disks::Partition& var() const;
};

// Error `cannot <doing>: …` when the node was not started from its own disk, or the disk has no state or no /var.
[[nodiscard]] OwnDisk own_disk(std::string_view doing);

} // namespace ashlar::node

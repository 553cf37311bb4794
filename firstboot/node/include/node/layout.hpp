#pragma once

// The disk of an installed node: docs/formats/node-disk.md. Pure: sizes and names in, definitions of
// repart.d(5) out.

#include <disks/disk.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace ashlar::node {

// What becomes slot A: the medium's partitions, and what they are called on the node's disk.
struct Slot {
    disks::Partition root, verity;
    std::uint64_t root_size = 0; // bytes
    std::string release;
};

// Bytes that a disk must have.
[[nodiscard]] std::uint64_t minimum_size(const Slot& medium);

// File name → definition, in the order of the partitions.
[[nodiscard]] std::map<std::string, std::string> definitions(const Slot& medium);

} // namespace ashlar::node

#pragma once

// The mark on a disk that is being installed. It is the first thing that the installer writes and the last
// that it takes away, so that a cut of the power anywhere between leaves a disk that counts as blank, whatever
// of a partition table, a state or boot files is on it by then. docs/formats/node-disk.md.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace ashlar::disks {

enum class Claim : std::uint32_t {
    whole_disk = 1, // counts as blank
    in_place = 2,   // is a medium that becomes a node: what starts from it is the medium
};

// All return when the disk has it. `device` is the whole disk.
void claim(const std::filesystem::path& device, Claim what);
void release(const std::filesystem::path& device);

// Zeros over the first and the last MiB, where partition tables and most signatures lie, but for the mark.
void erase_table(const std::filesystem::path& device);

[[nodiscard]] std::optional<Claim> claim_on(const std::filesystem::path& device);

} // namespace ashlar::disks

#pragma once

// The disk image: a GPT (UEFI specification, chapter 5) with ESP, root and root-verity, in a sparse
// file. docs/formats/image.md. 512-byte sectors, partitions on MiB boundaries in this order.

#include <gpt/table.hpp>
#include <signing/digest.hpp>
#include <signing/guid.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::image {

inline constexpr std::uint64_t sector_size = 512;
inline constexpr std::uint64_t partition_alignment = gpt::alignment;

// Bit 60 of a partition's attributes (UAPI.2): mount it read-only.
inline constexpr std::uint64_t attribute_read_only = std::uint64_t{1} << 60U;

// The output is determined by these values and the contents of the three files.
struct DiskInput {
    std::string architecture; // Debian's name
    std::string version;      // release, for the labels: "root_R0.0"
    Digest root_hash;
    std::filesystem::path boot_partition; // made by make_boot_partition()
    std::filesystem::path root;           // made by make_file_system()
    std::filesystem::path verity;         // its hash tree
};
// Writes `output`, which must not exist. Error when a label is longer than 36 characters.
void make_disk(const DiskInput& input, const std::filesystem::path& output);

using Partition = gpt::Partition;
using PartitionTable = gpt::Table;

// Error when the file has no GPT, or one that does not fit the file.
[[nodiscard]] PartitionTable read_partition_table(const std::filesystem::path& image);

} // namespace ashlar::image

#pragma once

// The only door to libfdisk: GPT in a regular file.

#include <image/disk.hpp>

#include <filesystem>

namespace ashlar::image {

// `image` exists, is large enough and holds no partition table.
void write_gpt(const std::filesystem::path& image, const PartitionTable& table);
[[nodiscard]] PartitionTable read_gpt(const std::filesystem::path& image);

} // namespace ashlar::image

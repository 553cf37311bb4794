#pragma once

// Where things stand in an operation file: docs/formats/delta.md.

#include <delta/stream.hpp>

#include <signing/bytes.hpp>

#include <string_view>

namespace ashlar::delta {

inline constexpr std::string_view magic = "ashdelta";
inline constexpr std::uint32_t format_version = 1;

inline constexpr std::size_t head_size = 512, covered_size = 480, salt_limit = 256;
inline constexpr std::size_t at_version = 8, at_from = 12, at_old_root = 16, at_new_root = 48, at_old_size = 80,
                             at_new_size = 88, at_uuid = 96, at_salt_size = 112, at_count = 116, at_table_size = 120,
                             at_tree_size = 128, at_payload_size = 136, at_table_digest = 144, at_zeros = 176,
                             at_salt = 224, at_head_digest = 480;

inline constexpr std::size_t row_size = 52;
inline constexpr std::size_t at_kind = 0, at_blocks = 4, at_old_block = 8, at_old_blocks = 12, at_payload = 16,
                             at_result = 20;

// A frame is never larger than this for `size` bytes of result.
[[nodiscard]] constexpr std::uint64_t payload_limit(std::uint64_t size) { return size + block_size; }
// Block numbers are 32 bits wide.
inline constexpr std::uint64_t size_limit = (std::uint64_t{1} << 32U) * block_size;
inline constexpr std::uint64_t table_limit = 16U << 20U;

// Why the operation cannot be one of a file with this header, or nothing. Its offset is not looked at.
[[nodiscard]] std::optional<std::string_view> fault_of(const Operation& operation, const Header& header);
// Why the header's own values cannot be, or nothing.
[[nodiscard]] std::optional<std::string_view> fault_of(const Header& header);

} // namespace ashlar::delta

#pragma once

// The entries of a bundle: POSIX.1-2001 tar in the one form that docs/formats/bundle.md allows. For a name, a size and a
// time there is exactly one header, so that a reader compares where others would interpret.

#include <signing/bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::bundle {

inline constexpr std::size_t entry_block = 512;
inline constexpr std::size_t end_of_archive = 2 * entry_block; // zeros
// What ustar has room for; beyond it a pax header goes before.
inline constexpr std::size_t longest_short_name = 100;
inline constexpr std::uint64_t largest_small_entry = (std::uint64_t{1} << 33U) - 1;

struct Entry {
    std::string name;
    std::uint64_t size = 0; // bytes
    std::int64_t time = 0;  // seconds since 1970
    bool operator==(const Entry&) const = default;
};

// 512 bytes, or 1536 with a pax header. An Error for a time before 1970 or too late for ustar.
[[nodiscard]] std::string header_of(const Entry& entry);
// Zeros behind the contents.
[[nodiscard]] constexpr std::size_t padding_of(std::uint64_t size) { return static_cast<std::size_t>((entry_block - size % entry_block) % entry_block); }
// The entry that these 512 bytes announce; nothing when they are not the header of a short and small one, to the bit.
[[nodiscard]] std::optional<Entry> short_entry(std::string_view block);
// What a header that is not the expected one seems to name, for messages: only printable ASCII.
[[nodiscard]] std::string claimed_name(std::string_view block);

} // namespace ashlar::bundle

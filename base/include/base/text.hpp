#pragma once

// Small questions about text that several modules ask.

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

// The candidate nearest to `word` by edit distance (transpositions count one), if it is near enough
// to be meant: at most a third of the word's length, at least one.
[[nodiscard]] std::optional<std::string> did_you_mean(std::string_view word, std::span<const std::string> candidates);

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
// The parts would point into a string that is gone: in a range-based for, before its first turn.
template <std::same_as<std::string> Text>
std::vector<std::string_view> split(Text&& text, char separator) = delete;
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);

// Lower-case hexadecimal; from_hex is empty on anything that is not an even number of hex digits.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<std::vector<std::byte>> from_hex(std::string_view text);

// "103.4 MB" (powers of 1000), three significant digits and more.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

// Sizes as people write them in TOML: a whole number from 1 to 999999, one blank, and KiB, MiB, GiB or
// TiB; "96 MiB" in bytes. Empty on anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
inline constexpr const char* size_remedy = "write a whole number and KiB, MiB, GiB or TiB, such as \"96 MiB\"";

} // namespace ashlar

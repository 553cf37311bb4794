#pragma once

// The words of the format: what a path, an owner or a mode looks like.

#include <optional>
#include <string_view>

namespace ashlar::formation {

[[nodiscard]] bool is_unit(std::string_view text) noexcept;
// Absolute, no `.`, `..`, empty part or control character.
[[nodiscard]] bool is_path(std::string_view text) noexcept;
[[nodiscard]] bool is_owner(std::string_view text) noexcept; // "user:group"
[[nodiscard]] std::optional<unsigned> parse_mode(std::string_view text) noexcept;

} // namespace ashlar::formation

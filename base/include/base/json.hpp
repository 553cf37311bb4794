#pragma once

// The door to JSON. `Json` keeps keys sorted, so that a dump is the same bytes for the same value.

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace ashlar {

using Json = nlohmann::json;

// Throws Error `cannot parse '<name>': …` with line and column; also for more than 100 lists and objects in each other.
[[nodiscard]] Json parse_json(std::string_view text, std::string_view name);

// For what is signed: two programs must not read two things in the same bytes. Beyond what JSON itself refuses, an Error
// `cannot parse '<name>': …` for a member that stands twice in its object, numbers that are not integers or need more than 63
// bits, more than `deepest_json` levels, a byte order mark, and whatever follows a NUL.
inline constexpr unsigned deepest_json = 64;
[[nodiscard]] Json parse_strict_json(std::string_view text, std::string_view name);

// Two spaces, sorted keys, final newline.
[[nodiscard]] std::string pretty(const Json& value);

} // namespace ashlar

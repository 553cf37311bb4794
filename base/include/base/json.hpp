#pragma once

// The door to JSON. `Json` keeps keys sorted, so that a dump is the same bytes for the same value.

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace ashlar {

using Json = nlohmann::json;

// Throws Error `cannot parse '<name>': …` with line and column.
[[nodiscard]] Json parse_json(std::string_view text, std::string_view name);

// Two spaces, sorted keys, final newline.
[[nodiscard]] std::string pretty(const Json& value);

} // namespace ashlar

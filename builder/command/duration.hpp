#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace ashlar::command {

// "20s", "90m", "2h", "30d": a whole number of at most five digits, and seconds, minutes, hours or days. Nothing for anything else.
[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text);

} // namespace ashlar::command

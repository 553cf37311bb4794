#pragma once

// Moments as a lock writes them: "2025-08-09T11:10:42Z", UTC, no fractions, years 1970 to 9999.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::lock {

[[nodiscard]] std::optional<std::string> write_time(std::int64_t seconds);
[[nodiscard]] std::optional<std::int64_t> read_time(std::string_view text);

} // namespace ashlar::lock

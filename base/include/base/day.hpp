#pragma once

// Days as our formats write them: "2028-06-30" (RFC 3339, full-date), years 1970 to 9999.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

using Day = std::chrono::sys_days;

// Nothing for another form, and for a day that no calendar has.
[[nodiscard]] std::optional<Day> parse_day(std::string_view text) noexcept;
[[nodiscard]] std::string to_text(Day day);

} // namespace ashlar

#include "time.hpp"

#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace ashlar::lock {

namespace {

constexpr std::int64_t last_second = 253402300799; // 9999-12-31T23:59:59Z

template <typename Number> Number digits(std::string_view text) {
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

} // namespace

std::optional<std::string> write_time(std::int64_t seconds) {
    using namespace std::chrono;
    if (seconds < 0 || seconds > last_second) return std::nullopt;
    const sys_seconds moment{std::chrono::seconds(seconds)};
    const auto day = floor<days>(moment);
    const year_month_day date(day);
    const hh_mm_ss time(moment - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count());
}

// Writing again what was read is the strict part: only the one form of a moment survives it.
std::optional<std::int64_t> read_time(std::string_view text) {
    using namespace std::chrono;
    if (text.size() != 20) return std::nullopt;
    const year_month_day date(year(digits<int>(text.substr(0, 4))), month(digits<unsigned>(text.substr(5, 2))),
                              day(digits<unsigned>(text.substr(8, 2))));
    if (!date.ok()) return std::nullopt;
    const auto moment = sys_days(date) + hours(digits<unsigned>(text.substr(11, 2))) +
                        minutes(digits<unsigned>(text.substr(14, 2))) + seconds(digits<unsigned>(text.substr(17, 2)));
    const std::int64_t since = sys_seconds(moment).time_since_epoch().count();
    if (write_time(since) != text) return std::nullopt;
    return since;
}

} // namespace ashlar::lock

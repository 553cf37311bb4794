#include "duration.hpp"

#include <charconv>

namespace ashlar::command {

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
    unsigned number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, fault] = std::from_chars(text.data(), last, number);
    if (fault != std::errc() || end + 1 != last || text.size() > 6) return std::nullopt;
    switch (*end) {
    case 's': return std::chrono::seconds(number);
    case 'm': return std::chrono::minutes(number);
    case 'h': return std::chrono::hours(number);
    case 'd': return std::chrono::days(number);
    default: return std::nullopt;
    }
}

} // namespace ashlar::command

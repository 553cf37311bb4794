#pragma once

// Messages on a stream: text up to a zero byte.

#include <base/json.hpp>

#include <optional>
#include <string>

namespace ashlar::control {

inline constexpr std::size_t most_message = std::size_t{1} << 20U;

// Takes the first whole message out of `buffer`.
[[nodiscard]] inline std::optional<std::string> take_message(std::string& buffer) {
    const auto end = buffer.find('\0');
    if (end == std::string::npos) return std::nullopt;
    std::string message = buffer.substr(0, end);
    buffer.erase(0, end + 1);
    return message;
}

[[nodiscard]] inline std::string message_of(const Json& json) { return json.dump() + '\0'; }

} // namespace ashlar::control

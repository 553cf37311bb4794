#pragma once

// os-release(5): what a system says it is.

#include <map>
#include <string>
#include <string_view>

namespace ashlar {

// Keys and values without quotes. Error for a line that is no assignment; `name` is the file's name.
[[nodiscard]] std::map<std::string, std::string> parse_os_release(std::string_view text, std::string_view name);

} // namespace ashlar

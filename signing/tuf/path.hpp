#pragma once

#include <string_view>

namespace ashlar::tuf {

// Private: a relative path that stays where it begins: no empty part, no "." or "..", no NUL.
[[nodiscard]] bool is_plain_path(std::string_view path);

} // namespace ashlar::tuf

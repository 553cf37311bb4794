#include "path.hpp"

#include <base/text.hpp>

#include <algorithm>

namespace ashlar::tuf {

bool is_plain_path(std::string_view path) {
    const auto parts = split(path, '/');
    return path.find('\0') == path.npos && std::ranges::none_of(parts, [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
}

} // namespace ashlar::tuf

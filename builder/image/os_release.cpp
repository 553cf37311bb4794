#include <image/os_release.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace ashlar::image {

std::string identify(std::string_view os_release, std::string_view role, std::string_view release) {
    const std::array<std::pair<std::string_view, std::string>, 4> identity{{
        {"PRETTY_NAME", fmt::format("\"Ashlar {} {}\"", role, release)},
        {"IMAGE_ID", "ashlar"},
        {"IMAGE_VERSION", std::string(release)},
        {"VARIANT_ID", std::string(role)},
    }};
    std::string out;
    for (const auto line : split(os_release, '\n')) {
        const auto key = line.substr(0, line.find('='));
        if (line.empty() || std::ranges::find(identity, key, &decltype(identity)::value_type::first) != identity.end())
            continue;
        out += fmt::format("{}\n", line);
    }
    for (const auto& [key, value] : identity) out += fmt::format("{}={}\n", key, value);
    return out;
}

} // namespace ashlar::image

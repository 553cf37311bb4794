#include <image/os_release.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <utility>

namespace ashlar::image {

namespace {

bool is_key(std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](unsigned char c) { return std::isupper(c) || std::isdigit(c) || c == '_'; });
}

// A value is a shell word: bare, in single quotes, or in double quotes with backslash escapes.
std::optional<std::string> unquote(std::string_view value) {
    if (value.empty() || (value.front() != '"' && value.front() != '\'')) return std::string(value);
    const char quote = value.front();
    if (value.size() < 2 || value.back() != quote) return std::nullopt;
    value = value.substr(1, value.size() - 2);
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (quote == '"' && value[i] == '\\' && i + 1 < value.size()) ++i;
        out += value[i];
    }
    return out;
}

} // namespace

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

std::map<std::string, std::string> parse_os_release(std::string_view text, std::string_view name) {
    std::map<std::string, std::string> fields;
    int number = 0;
    for (const auto raw : split(text, '\n')) {
        ++number;
        const auto line = trim(raw);
        if (line.empty() || line.front() == '#') continue;
        const auto equals = line.find('=');
        const auto value = equals == line.npos ? std::nullopt : unquote(line.substr(equals + 1));
        if (!value || !is_key(line.substr(0, equals)))
            throw Error(fmt::format("cannot read '{}': line {} is not KEY=value: {}", name, number, line));
        fields[std::string(line.substr(0, equals))] = *value;
    }
    return fields;
}

} // namespace ashlar::image

#include <base/os_release.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

namespace ashlar {

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

} // namespace ashlar

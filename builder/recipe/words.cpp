#include "words.hpp"

#include <base/release_version.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>

namespace ashlar::recipe {

namespace {

constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";

bool is_in(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_alphanumeric(char c) { return is_in(c, lower) || is_in(c, upper) || is_in(c, digits); }

template <typename Predicate> bool all(std::string_view text, Predicate&& predicate) {
    return std::all_of(text.begin(), text.end(), predicate);
}

bool is_printable(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; }

bool is_package_character(char c) { return is_in(c, lower) || is_in(c, digits) || is_in(c, "+-."); }

bool is_version(std::string_view text) {
    return !text.empty() && is_in(text.front(), digits) &&
           all(text, [](char c) { return is_alphanumeric(c) || is_in(c, ".+-~:"); });
}

bool is_account(std::string_view text) {
    return !text.empty() && text.size() <= 32 && (is_in(text.front(), lower) || text.front() == '_') &&
           all(text, [](char c) { return is_in(c, lower) || is_in(c, digits) || is_in(c, "_-"); });
}

} // namespace

bool is_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && is_in(text.front(), lower) &&
           all(text, [](char c) { return is_in(c, lower) || is_in(c, digits) || c == '-'; });
}

bool is_train_name(std::string_view text) noexcept { return parse_train_name(text).has_value(); }

bool is_package_name(std::string_view text) noexcept {
    return text.size() >= 2 && text.size() <= 128 && (is_in(text.front(), lower) || is_in(text.front(), digits)) &&
           all(text, is_package_character);
}

bool is_package_wish(std::string_view text) noexcept {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return is_package_name(text);
    return is_package_name(text.substr(0, equals)) && is_version(text.substr(equals + 1));
}

bool is_package_glob(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 128 &&
           all(text, [](char c) { return is_package_character(c) || is_in(c, "*?[]"); });
}

bool is_archive_word(std::string_view text) noexcept {
    const auto parts = split(text, '/');
    return text.size() <= 128 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
               return !part.empty() && is_alphanumeric(part.front()) &&
                      all(part, [](char c) { return is_alphanumeric(c) || is_in(c, ".+-_"); });
           });
}

bool is_unit_name(std::string_view text) noexcept {
    static constexpr std::array<std::string_view, 9> types{".service", ".socket",    ".timer", ".path", ".target",
                                                           ".mount",   ".automount", ".swap",  ".slice"};
    const std::size_t dot = text.rfind('.');
    return dot != std::string_view::npos && dot > 0 && text.size() <= 255 && text.front() != '@' &&
           std::find(types.begin(), types.end(), text.substr(dot)) != types.end() &&
           all(text, [](char c) { return is_alphanumeric(c) || is_in(c, ":_.\\-@"); });
}

bool is_module_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 64 && all(text, [](char c) { return is_alphanumeric(c) || is_in(c, "_-"); });
}

bool is_owner(std::string_view text) noexcept {
    const std::size_t colon = text.find(':');
    return colon != std::string_view::npos && is_account(text.substr(0, colon)) && is_account(text.substr(colon + 1));
}

bool is_image_path(std::string_view text) noexcept {
    if (text.size() < 2 || text.size() > 1024 || text.front() != '/' || !all(text, is_printable)) return false;
    const auto parts = split(text.substr(1), '/');
    return std::none_of(parts.begin(), parts.end(),
                        [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
}

bool is_path_pattern(std::string_view text) noexcept {
    return is_image_path(text.starts_with('!') ? text.substr(1) : text);
}

bool is_command_line_word(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 512 &&
           all(text, [](char c) { return c > ' ' && c != 0x7F && c != '"' && c != '\''; });
}

std::optional<unsigned> parse_mode(std::string_view text) noexcept {
    if (text.size() != 4 || !all(text, [](char c) { return c >= '0' && c <= '7'; })) return std::nullopt;
    unsigned mode = 0;
    for (const char digit : text) mode = mode * 8 + static_cast<unsigned>(digit - '0');
    return mode;
}

} // namespace ashlar::recipe

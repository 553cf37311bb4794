#include "words.hpp"

#include <formation/reader.hpp>

#include <base/text.hpp>

#include <algorithm>
#include <charconv>

namespace ashlar::formation {

namespace {

constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits = "0123456789";

bool is_in(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

template <typename Predicate> bool all(std::string_view text, Predicate predicate) { return std::ranges::all_of(text, predicate); }

bool is_word(std::string_view text, std::string_view more) {
    return !text.empty() && text.size() <= 64 && is_in(text.front(), lower) && all(text, [&](char c) { return is_in(c, lower) || is_in(c, digits) || is_in(c, more); });
}

bool is_account(std::string_view text) {
    return !text.empty() && text.size() <= 32 && (is_in(text.front(), lower) || text.front() == '_') && all(text, [](char c) { return is_in(c, lower) || is_in(c, digits) || is_in(c, "_-"); });
}

constexpr std::array unit_types{".service", ".socket", ".timer", ".path", ".target", ".mount"};

bool is_unit_character(char c) { return is_in(c, lower) || is_in(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") || is_in(c, digits) || is_in(c, ":_.\\-@"); }

} // namespace

bool is_formation_name(std::string_view text) noexcept { return is_word(text, "-"); }
bool is_value_name(std::string_view text) noexcept { return is_word(text, "_-"); }

bool is_unit(std::string_view text) noexcept {
    const std::size_t dot = text.rfind('.');
    return dot != std::string_view::npos && dot > 0 && text.size() <= 255 && text.front() != '@' && std::ranges::find(unit_types, text.substr(dot)) != unit_types.end() && all(text, is_unit_character);
}

bool is_path(std::string_view text) noexcept {
    if (text.size() < 2 || text.size() > 1024 || text.front() != '/' || !all(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; })) return false;
    return std::ranges::none_of(split(text.substr(1), '/'), [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
}

bool is_owner(std::string_view text) noexcept {
    const std::size_t colon = text.find(':');
    return colon != std::string_view::npos && is_account(text.substr(0, colon)) && is_account(text.substr(colon + 1));
}

std::optional<unsigned> parse_mode(std::string_view text) noexcept {
    if (text.size() != 4 || !all(text, [](char c) { return c >= '0' && c <= '7'; })) return std::nullopt;
    unsigned mode = 0;
    std::from_chars(text.data(), text.data() + text.size(), mode, 8);
    return mode;
}

std::optional<Duration> parse_duration(std::string_view text) noexcept {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos || blank == 0 || blank > 6 || !all(text.substr(0, blank), [](char c) { return is_in(c, digits); }) || text.front() == '0') return std::nullopt;
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + blank, number);
    struct Unit {
        std::string_view name;
        std::int64_t milliseconds;
    };
    for (const auto& [name, milliseconds] : {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"min", 60'000}, Unit{"h", 3'600'000}})
        if (text.substr(blank + 1) == name && number * milliseconds <= 86'400'000) return Duration(number * milliseconds);
    return std::nullopt;
}

} // namespace ashlar::formation

#include "place.hpp"

#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::formation {

namespace {

constexpr std::size_t most_listed = 12;

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

std::size_t characters(std::string_view text) { return static_cast<std::size_t>(std::ranges::count_if(text, begins_character)); }

// Of the string that begins at `position`, what stands behind its quotation marks, to the end of the file.
std::string_view raw_text(const toml::Position& position) {
    const std::string_view line = position.source->line(position.line);
    std::size_t byte = 0;
    for (std::size_t column = 1; byte < line.size() && column < position.column; ++column)
        do ++byte;
        while (byte < line.size() && !begins_character(line[byte]));
    const std::string_view all = position.source->text();
    std::string_view rest = all.substr(static_cast<std::size_t>(line.data() - all.data()) + byte);
    for (const std::string_view mark : {"\"\"\"", "'''"})
        if (rest.starts_with(mark)) {
            rest.remove_prefix(3);
            if (rest.starts_with("\r\n")) rest.remove_prefix(2);
            else if (rest.starts_with('\n')) rest.remove_prefix(1);
            return rest;
        }
    return rest.substr(std::min<std::size_t>(1, rest.size()));
}

} // namespace

toml::Position place_in(const toml::Text& text, std::size_t offset, std::size_t size) {
    const toml::Position& whole = text.position;
    if (!whole.source || whole.line == 0) return whole;
    const std::string_view raw = raw_text(whole);
    const std::string_view before = std::string_view(text.value).substr(0, offset);
    if (!raw.starts_with(before)) return whole;
    const std::string_view all = whole.source->text();
    const std::size_t begin = static_cast<std::size_t>(raw.data() - all.data()) + offset;
    const std::size_t line_start = all.substr(0, begin).rfind('\n') + 1; // npos + 1 is 0
    toml::Position place = whole;
    place.line = static_cast<std::size_t>(std::ranges::count(all.substr(0, begin), '\n')) + 1;
    place.column = characters(all.substr(line_start, begin - line_start)) + 1;
    place.length = std::max<std::size_t>(1, characters(std::string_view(text.value).substr(offset, size)));
    return place;
}

std::string nearest(std::string_view word, const std::vector<std::string>& known, std::string_view what) {
    if (const auto near = word.size() > 64 ? std::nullopt : did_you_mean(word, known)) return fmt::format("did you mean '{}'?", *near);
    if (known.empty() || known.size() > most_listed) return {};
    return fmt::format("{}: {}", what, join(known, ", "));
}

} // namespace ashlar::formation

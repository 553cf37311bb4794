#include "loader.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace powercut {

namespace {

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_letter(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'); }

std::string lower(std::string text) {
    for (char& letter : text)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return text;
}

int sign(auto a, auto b) { return a < b ? -1 : (a > b ? 1 : 0); }

// One side of a comparison of versions.
struct Rest {
    std::string_view text;

    [[nodiscard]] char first() const { return text.empty() ? '\0' : text.front(); }
    // Letters that separate and mean nothing.
    void skip_separators() {
        while (!text.empty() && !is_digit(first()) && !is_letter(first()) && std::string_view("~-^.").find(first()) == std::string_view::npos)
            text.remove_prefix(1);
    }
    bool take(char letter) {
        if (first() != letter) return false;
        text.remove_prefix(1);
        return true;
    }
    std::string_view take_while(auto condition) {
        const auto end = std::ranges::find_if_not(text, condition);
        const auto part = text.substr(0, static_cast<std::size_t>(end - text.begin()));
        text.remove_prefix(part.size());
        return part;
    }
};

int compare_numbers(std::string_view a, std::string_view b) {
    a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
    b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
    if (a.size() != b.size()) return sign(a.size(), b.size());
    return sign(a, b);
}

// One step; nothing when both sides are the same so far.
std::optional<int> step(Rest& a, Rest& b) {
    a.skip_separators();
    b.skip_separators();
    if (a.first() == '~' || b.first() == '~') {
        const bool in_a = a.take('~'), in_b = b.take('~');
        if (in_a != in_b) return in_a ? -1 : 1;
    }
    if (a.text.empty() || b.text.empty()) return sign(!a.text.empty(), !b.text.empty());
    for (const char separator : {'-', '^', '.'}) {
        if (a.first() != separator && b.first() != separator) continue;
        const bool in_a = a.take(separator), in_b = b.take(separator);
        if (in_a != in_b) return in_a ? -1 : 1;
    }
    if (is_digit(a.first()) || is_digit(b.first())) {
        const auto number_a = a.take_while(is_digit), number_b = b.take_while(is_digit);
        if (number_a.empty() != number_b.empty()) return number_a.empty() ? -1 : 1;
        if (const int order = compare_numbers(number_a, number_b); order != 0) return order;
        return std::nullopt;
    }
    const auto word_a = a.take_while(is_letter), word_b = b.take_while(is_letter);
    if (const int order = sign(word_a, word_b); order != 0) return order;
    return std::nullopt;
}

// Takes a number off the front; nothing when there is none or it is larger than an int.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t value = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && is_digit(text[digits]); ++digits) value = value * 10 + static_cast<unsigned>(text[digits] - '0');
    if (digits == 0 || digits > 9) return std::nullopt;
    text.remove_prefix(digits);
    return value;
}

struct Section {
    std::uint32_t offset = 0, size = 0;
};

// The sections of a PE image by name; empty when it is none (Microsoft PE format).
std::map<std::string, Section> sections(ByteView image) {
    std::map<std::string, Section> found;
    const auto header = little_endian_at<std::uint32_t>(image, 0x3c);
    if (!text_of(image).starts_with("MZ") || !header || little_endian_at<std::uint32_t>(image, *header) != 0x4550) return found;
    const auto count = little_endian_at<std::uint16_t>(image, *header + 6), optional_size = little_endian_at<std::uint16_t>(image, *header + 20);
    if (!count || !optional_size || little_endian_at<std::uint16_t>(image, *header + 4) != 0x8664) return found;
    const std::uint64_t table = std::uint64_t{*header} + 24 + *optional_size;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const std::uint64_t at = table + i * 40;
        if (at + 40 > image.size()) return found;
        const auto name = text_of(image.subspan(at, 8));
        found.emplace(std::string(name.substr(0, name.find('\0'))), Section{.offset = *little_endian_at<std::uint32_t>(image, at + 20),
                                                                             .size = std::min(*little_endian_at<std::uint32_t>(image, at + 8),
                                                                                              *little_endian_at<std::uint32_t>(image, at + 16))});
    }
    return found;
}

std::string text_in(ByteView image, const Section& section) {
    if (section.offset > image.size() || image.size() - section.offset < section.size) return {};
    const auto text = text_of(image.subspan(section.offset, section.size));
    return std::string(text.substr(0, text.find('\0')));
}

// os-release(5): NAME=value, perhaps in quotes.
std::map<std::string, std::string> properties(const std::string& text) {
    std::map<std::string, std::string> found;
    for (const auto line : split(text, '\n')) {
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || line.starts_with('#')) continue;
        auto value = trim(line.substr(equals + 1));
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.front() == value.back()) value = value.substr(1, value.size() - 2);
        found[std::string(trim(line.substr(0, equals)))] = value;
    }
    return found;
}

std::string first_of(const std::map<std::string, std::string>& all, std::initializer_list<const char*> names) {
    for (const char* name : names)
        if (const auto found = all.find(name); found != all.end()) return found->second;
    return {};
}

int compare(const BootEntry& a, const BootEntry& b) {
    if (const int order = sign(a.left == 0, b.left == 0); order != 0) return order;
    if (const int order = sign(a.sort_key, b.sort_key); order != 0) return order;
    if (const int order = compare_versions(b.version, a.version); order != 0) return order;
    if (const int order = compare_versions(b.id(), a.id()); order != 0) return order;
    if (!a.left || !b.left) return 0;
    if (const int order = sign(*b.left, *a.left); order != 0) return order;
    return sign(*a.done, *b.done);
}

} // namespace

int compare_versions(std::string_view a, std::string_view b) {
    Rest rest_a{a}, rest_b{b};
    while (true)
        if (const auto order = step(rest_a, rest_b)) return *order;
}

std::string BootEntry::id() const { return left ? name.substr(0, name.rfind('+')) + ".efi" : lower(name); }

std::string BootEntry::name_when_started() const {
    if (!left) return name;
    return fmt::format("{}+{}-{}.efi", name.substr(0, name.rfind('+')), *left == 0 ? 0 : *left - 1, *done + 1);
}

BootEntry entry_named(const std::string& name) {
    BootEntry entry{.name = name};
    const auto plus = name.rfind('+');
    if (plus == std::string::npos) return entry;
    auto rest = std::string_view(name).substr(plus + 1);
    const auto left = take_number(rest);
    std::optional<std::uint64_t> done = 0;
    if (left && rest.starts_with('-')) {
        rest.remove_prefix(1);
        done = take_number(rest);
    }
    if (!left || !done || lower(std::string(rest)) != ".efi") return entry;
    entry.left = left;
    entry.done = done;
    return entry;
}

std::optional<BootEntry> read_entry(const std::string& name, ByteView image) {
    const std::string lower_name = lower(name);
    if (!lower_name.ends_with(".efi") || lower_name.starts_with(".") || lower_name.starts_with("auto-")) return std::nullopt;
    const auto all = sections(image);
    const auto release = all.find(".osrel");
    if (release == all.end() || release->second.size == 0) return std::nullopt;
    const auto known = properties(text_in(image, release->second));
    BootEntry entry = entry_named(name);
    entry.sort_key = first_of(known, {"IMAGE_ID", "ID"});
    entry.version = first_of(known, {"IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"});
    // Without a name or a key to sort by it is left out.
    if (entry.sort_key.empty() || first_of(known, {"PRETTY_NAME", "IMAGE_ID", "NAME", "ID"}).empty()) return std::nullopt;
    if (const auto line = all.find(".cmdline"); line != all.end()) entry.command_line = text_in(image, line->second);
    return entry;
}

std::vector<BootEntry> sorted(std::vector<BootEntry> entries) {
    std::ranges::stable_sort(entries, [](const BootEntry& a, const BootEntry& b) { return compare(a, b) < 0; });
    return entries;
}

std::vector<BootEntry> menu(const Fat& boot_partition) {
    constexpr std::string_view place = "EFI/Linux/";
    // Behind the headers and the small sections comes the kernel, which says nothing about the order.
    constexpr std::uint64_t enough = std::uint64_t{1} << 20U;
    std::vector<BootEntry> entries;
    for (const FatFile& file : boot_partition.files()) {
        if (file.is_directory || lower(file.path.substr(0, place.size())) != lower(std::string(place))) continue;
        const std::string name = file.path.substr(place.size());
        if (name.find('/') != std::string::npos) continue;
        auto entry = read_entry(name, boot_partition.content(file, enough));
        if (!entry) continue;
        entry->file = &file;
        entries.push_back(std::move(*entry));
    }
    return sorted(std::move(entries));
}

} // namespace powercut

#include "elf.hpp"

#include <base/json.hpp>

#include <algorithm>

namespace ashlar::image {

namespace {

constexpr std::uint32_t section_notes = 7;   // SHT_NOTE
constexpr std::uint32_t section_dynamic = 6; // SHT_DYNAMIC
constexpr std::uint64_t tag_needed = 1;      // DT_NEEDED
constexpr std::uint32_t note_dlopen = 0x407c0c0a;

template <typename Number> Number at(ByteView bytes, std::uint64_t offset) {
    return little_endian_at<Number>(bytes, offset).value_or(0);
}

std::string_view zero_terminated(ByteView bytes, std::uint64_t offset) {
    if (offset >= bytes.size()) return {};
    const auto rest = text_of(bytes.subspan(static_cast<std::size_t>(offset)));
    return rest.substr(0, rest.find('\0'));
}

// The note's text is a JSON array of objects with an array "soname". It is a hint for builders:
// what cannot be read is taken for "names nothing".
void add_sonames(std::string_view text, std::vector<std::string>& out) {
    const auto notes = Json::parse(text.substr(0, text.find('\0')), nullptr, false);
    if (!notes.is_array()) return;
    for (const auto& note : notes) {
        if (!note.is_object() || !note.contains("soname") || !note["soname"].is_array()) continue;
        for (const auto& soname : note["soname"])
            if (soname.is_string()) out.push_back(soname.get<std::string>());
    }
}

} // namespace

std::optional<Elf> Elf::parse(ByteView bytes) {
    constexpr std::string_view magic("\x7f"
                                     "ELF\x02\x01",
                                     6);
    if (bytes.size() < 64 || text_of(bytes.first(6)) != magic) return std::nullopt;
    Elf elf(bytes);
    const auto table = at<std::uint64_t>(bytes, 0x28);
    const auto entry_size = at<std::uint16_t>(bytes, 0x3a);
    const auto count = at<std::uint16_t>(bytes, 0x3c);
    const auto names = at<std::uint16_t>(bytes, 0x3e);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto header = elf.range(table + i * entry_size, 64);
        if (header.empty()) return std::nullopt;
        elf.sections_.push_back({.name = at<std::uint32_t>(header, 0),
                                 .type = at<std::uint32_t>(header, 4),
                                 .link = at<std::uint32_t>(header, 0x28),
                                 .offset = at<std::uint64_t>(header, 0x18),
                                 .size = at<std::uint64_t>(header, 0x20)});
    }
    if (names < elf.sections_.size()) elf.names_ = elf.content(elf.sections_[names]);
    return elf;
}

ByteView Elf::range(std::uint64_t offset, std::uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return {};
    return bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

ByteView Elf::content(const Section& section) const { return range(section.offset, section.size); }

ByteView Elf::section(std::string_view name) const {
    const auto found =
        std::ranges::find_if(sections_, [&](const auto& s) { return zero_terminated(names_, s.name) == name; });
    return found == sections_.end() ? ByteView{} : content(*found);
}

std::vector<std::string> Elf::needed() const {
    std::vector<std::string> out;
    for (const auto& section : sections_) {
        if (section.type != section_dynamic || section.link >= sections_.size()) continue;
        const auto entries = content(section);
        const auto strings = content(sections_[section.link]);
        for (std::uint64_t offset = 0; offset + 16 <= entries.size(); offset += 16)
            if (at<std::uint64_t>(entries, offset) == tag_needed)
                out.emplace_back(zero_terminated(strings, at<std::uint64_t>(entries, offset + 8)));
    }
    return out;
}

std::vector<std::string> Elf::opened() const {
    std::vector<std::string> out;
    for (const auto& section : sections_) {
        if (section.type != section_notes) continue;
        const auto notes = content(section);
        for (std::uint64_t offset = 0; offset + 12 <= notes.size();) {
            const auto name_size = round_up(at<std::uint32_t>(notes, offset), 4);
            const std::uint64_t text_size = at<std::uint32_t>(notes, offset + 4);
            const auto text = offset + 12 + name_size;
            if (at<std::uint32_t>(notes, offset + 8) == note_dlopen && text <= notes.size() &&
                text_size <= notes.size() - text)
                add_sonames(text_of(notes.subspan(static_cast<std::size_t>(text), static_cast<std::size_t>(text_size))),
                            out);
            offset = text + round_up(text_size, 4);
        }
    }
    return out;
}

bool Elf::has_interpreter() const { return !section(".interp").empty(); }

} // namespace ashlar::image

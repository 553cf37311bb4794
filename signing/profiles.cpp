#include "profiles.hpp"

#include <algorithm>

namespace ashlar {

namespace {

const PeSection* find_in(std::span<const PeSection> sections, std::string_view name) {
    const auto found = std::ranges::find(sections, name, &PeSection::name);
    return found == sections.end() ? nullptr : &*found;
}

} // namespace

const PeSection* UkiSections::find(std::string_view name, std::size_t number) const {
    const PeSection* own = number < profiles.size() ? find_in(profiles[number], name) : nullptr;
    return own != nullptr ? own : find_in(shared, name);
}

UkiSections uki_sections(const PeLayout& layout) {
    const std::span<const PeSection> all = layout.sections;
    const auto next = [&](std::size_t from) {
        return static_cast<std::size_t>(std::ranges::find(all.subspan(from), profile_section, &PeSection::name) - all.subspan(from).begin()) + from;
    };
    std::size_t begin = next(0);
    UkiSections sections{.shared = all.first(begin), .profiles = {}};
    while (begin < all.size()) {
        const std::size_t end = next(begin + 1);
        sections.profiles.push_back(all.subspan(begin, end - begin));
        begin = end;
    }
    return sections;
}

} // namespace ashlar

#pragma once

// The section table of a UKI, taken apart: what all profiles share, then what each has of its own
// (UAPI.5, Unified Kernel Image; systemd-stub(7)).

#include <signing/pe.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace ashlar {

inline constexpr std::string_view profile_section = ".profile";

struct UkiSections {
    std::span<const PeSection> shared;
    std::vector<std::span<const PeSection>> profiles; // each from its .profile on; none in a UKI without profiles

    // As the stub finds it in profile `number`: the profile's own, or the shared one. Null when there is none.
    [[nodiscard]] const PeSection* find(std::string_view name, std::size_t number) const;
};
[[nodiscard]] UkiSections uki_sections(const PeLayout& layout);

} // namespace ashlar

#pragma once

// Which of two releases is the newer one: the order in which systemd-boot sorts its entries (UAPI.10,
// Version Format Specification). The boot loader's order decides what starts, so there is no other.

#include <compare>
#include <string_view>

namespace ashlar::bootmenu {

// "R0.9" < "R0.10" < "R1.0~rc1" < "R1.0".
[[nodiscard]] std::strong_ordering compare_releases(std::string_view left, std::string_view right);

} // namespace ashlar::bootmenu

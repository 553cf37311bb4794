#pragma once

// Small things in the formats of the real ones, for tests.

#include <signing/bytes.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace handmade {

// A PE image that systemd-boot takes for a UKI: with sections .osrel, .cmdline and .linux, of which none can be
// started. `bulk` makes it larger.
[[nodiscard]] ashlar::Bytes uki(std::string_view os_release, std::string_view command_line, std::size_t bulk = 0);

// "IMAGE_ID=ashlar" and so on, as docs/formats/image.md has it.
[[nodiscard]] std::string os_release(std::string_view version, std::string_view image = "ashlar");

} // namespace handmade

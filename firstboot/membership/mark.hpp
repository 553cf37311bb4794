#pragma once

// Private to this module: 64 random bits as JSON has them. A number of that size has no place among JSON's numbers.

#include <base/text.hpp>
#include <signing/json_object.hpp>

#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace ashlar::membership {

[[nodiscard]] inline std::string text_of_mark(std::uint64_t mark) { return fmt::format("{:016x}", mark); }

[[nodiscard]] inline std::uint64_t mark_in(JsonObject& object) {
    const auto bytes = from_hex(object.text("mark"));
    if (!bytes || bytes->size() != sizeof(std::uint64_t)) throw object.refusal("'mark' is not 16 hexadecimal digits");
    std::uint64_t mark = 0;
    for (const std::byte byte : *bytes) mark = mark << 8U | std::to_integer<std::uint64_t>(byte);
    return mark;
}

} // namespace ashlar::membership

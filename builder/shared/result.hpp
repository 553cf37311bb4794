#pragma once

// The record of a shared result: results/<stage>/<key>.json says which blob is the packed directory.

#include <signing/digest.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace ashlar::shared {

struct Result {
    std::string stage;
    Digest key;
    Digest packed;
    std::uint64_t size = 0;
};

constexpr std::uint64_t largest_record = 4096; // bytes

[[nodiscard]] std::string to_text(const Result& result);
// Throws Error `cannot read '<name>': …` on everything else, also on another stage or key than asked for.
[[nodiscard]] Result parse_result(std::string_view text, std::string_view name, std::string_view stage, const Digest& key);

} // namespace ashlar::shared

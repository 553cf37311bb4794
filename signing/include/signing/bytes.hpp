#pragma once

// Bytes in memory, and the two small tools that every binary format here needs: a reader that cannot
// leave its input, and a writer. Numbers are little-endian, as in PE, EFI and dm-verity.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ashlar {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

[[nodiscard]] inline ByteView bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view text_of(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
inline void append(Bytes& to, std::string_view text) { append(to, bytes_of(text)); }

// The number at `offset`, or nothing when it does not lie wholly inside.
template <typename Number>
[[nodiscard]] std::optional<Number> little_endian_at(ByteView bytes, std::uint64_t offset) {
    static_assert(std::is_unsigned_v<Number>);
    if (offset > bytes.size() || bytes.size() - offset < sizeof(Number)) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;)
        value = value << 8 | std::to_integer<std::uint64_t>(bytes[static_cast<std::size_t>(offset) + i]);
    return static_cast<Number>(value);
}

// `offset` + sizeof(Number) must lie inside.
template <typename Number>
void put_little_endian(std::span<std::byte> bytes, std::size_t offset, Number number) {
    static_assert(std::is_unsigned_v<Number>);
    const std::uint64_t value = number;
    for (std::size_t i = 0; i < sizeof(Number); ++i) bytes[offset + i] = static_cast<std::byte>(value >> (8 * i));
}

template <typename Number>
void append_little_endian(Bytes& to, Number number) {
    to.resize(to.size() + sizeof(Number));
    put_little_endian(std::span(to), to.size() - sizeof(Number), number);
}

[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

} // namespace ashlar

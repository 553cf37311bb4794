#include "dpkg_database_md5.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace ashlar::root {

namespace {

// RFC 1321, 3.4: the integer part of 4294967296 × |sin(i)|.
std::array<std::uint32_t, 64> make_sines() {
    std::array<std::uint32_t, 64> sines{};
    for (std::size_t i = 0; i < sines.size(); ++i)
        sines[i] = static_cast<std::uint32_t>(4294967296.0 * std::fabs(std::sin(static_cast<double>(i + 1))));
    return sines;
}

constexpr int rotations[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

std::uint32_t little_endian(const std::byte* bytes) {
    std::uint32_t word = 0;
    for (unsigned i = 0; i < 4; ++i) word |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * i);
    return word;
}

} // namespace

void Md5::block(const std::byte* bytes) {
    static const auto sines = make_sines();
    auto [a, b, c, d] = state_;
    for (std::uint32_t i = 0; i < 64; ++i) {
        std::uint32_t mixed = 0, word = 0;
        switch (i / 16) {
        case 0: mixed = (b & c) | (~b & d), word = i; break;
        case 1: mixed = (b & d) | (c & ~d), word = (5 * i + 1) % 16; break;
        case 2: mixed = b ^ c ^ d, word = (3 * i + 5) % 16; break;
        default: mixed = c ^ (b | ~d), word = (7 * i) % 16; break;
        }
        const std::uint32_t sum = a + mixed + sines[i] + little_endian(bytes + 4 * word);
        a = d;
        d = c;
        c = b;
        b += std::rotl(sum, rotations[i / 16][i % 4]);
    }
    state_[0] += a, state_[1] += b, state_[2] += c, state_[3] += d;
}

void Md5::update(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const std::size_t filled = size_ % pending_.size();
        const std::size_t part = std::min(bytes.size(), pending_.size() - filled);
        std::memcpy(pending_.data() + filled, bytes.data(), part);
        size_ += part;
        bytes = bytes.subspan(part);
        if (filled + part == pending_.size()) block(pending_.data());
    }
}

std::string Md5::finish() {
    const std::uint64_t bits = size_ * 8;
    std::array<std::byte, 72> padding{std::byte{0x80}};
    const std::size_t length = 1 + (119 - size_ % 64) % 64;
    for (unsigned i = 0; i < 8; ++i) padding[length + i] = static_cast<std::byte>(bits >> (8 * i));
    update(std::span(padding).first(length + 8));
    std::array<std::byte, 16> digest{};
    for (unsigned i = 0; i < 16; ++i) digest[i] = static_cast<std::byte>(state_[i / 4] >> (8 * (i % 4)));
    return to_hex(digest);
}

} // namespace ashlar::root

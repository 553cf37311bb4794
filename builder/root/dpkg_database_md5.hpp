#pragma once

// MD5 (RFC 1321), because dpkg's database knows conffiles by it. It protects nothing here: what a
// package holds is trusted for its SHA-256.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ashlar::root {

class Md5 {
public:
    void update(std::span<const std::byte> bytes);
    // Lower-case hexadecimal. Once.
    [[nodiscard]] std::string finish();

private:
    void block(const std::byte* bytes);

    std::array<std::uint32_t, 4> state_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    std::array<std::byte, 64> pending_{};
    std::uint64_t size_ = 0;
};

} // namespace ashlar::root

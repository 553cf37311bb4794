#pragma once

// A 128-bit identifier (RFC 4122). The bytes are kept in the order of the text, which is also how
// dm-verity and EROFS store them; EFI and GPT swap the first three fields (`efi_bytes`).

#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

class Guid {
public:
    static constexpr std::size_t size = 16;
    using Bytes = std::array<std::byte, size>;

    explicit Guid(const Bytes& bytes) : bytes_(bytes) {}
    // "6e21cfa4-9a1e-4d29-9a2b-6fbf0e7d1f55", either case, hyphens required.
    [[nodiscard]] static std::optional<Guid> from_text(std::string_view text);
    [[nodiscard]] static Guid from_efi_bytes(const Bytes& bytes) { return Guid(swapped(bytes)); }

    [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }
    [[nodiscard]] Bytes efi_bytes() const { return swapped(bytes_); }
    [[nodiscard]] std::string text() const; // lower case
    auto operator<=>(const Guid&) const = default;

private:
    [[nodiscard]] static Bytes swapped(const Bytes& bytes);
    Bytes bytes_;
};

} // namespace ashlar

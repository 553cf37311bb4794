#pragma once

// SHA-256 (FIPS 180-4), the only digest that names content in Ashlar. Formats still write it with its
// name ("sha256:<hex>") so that another can follow.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ashlar {

class Digest {
public:
    static constexpr std::size_t size = 32;
    using Bytes = std::array<std::byte, size>;

    explicit Digest(const Bytes& bytes) : bytes_(bytes) {}
    // 64 hex digits, nothing else. There is no "empty" digest: absence is std::optional.
    [[nodiscard]] static std::optional<Digest> from_hex(std::string_view text);

    [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::string hex() const;
    auto operator<=>(const Digest&) const = default;

private:
    Bytes bytes_;
};

// Streaming. finish() once; afterwards only destruction is allowed.
class Hasher {
public:
    Hasher();
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    ~Hasher();

    void update(std::span<const std::byte> bytes);
    void update(std::string_view text);
    [[nodiscard]] Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

[[nodiscard]] Digest sha256(std::span<const std::byte> bytes);
[[nodiscard]] Digest sha256(std::string_view text);
[[nodiscard]] Digest sha256_of_file(const std::filesystem::path& path);

} // namespace ashlar

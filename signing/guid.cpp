#include <signing/guid.hpp>

#include <base/text.hpp>

#include <algorithm>

namespace ashlar {

namespace {

constexpr std::array<std::size_t, 4> hyphens{8, 13, 18, 23};

bool is_hyphen(std::size_t position) { return std::ranges::find(hyphens, position) != hyphens.end(); }

} // namespace

std::optional<Guid> Guid::from_text(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    std::string digits;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_hyphen(i) != (text[i] == '-')) return std::nullopt;
        if (text[i] != '-') digits += text[i];
    }
    const auto decoded = from_hex(digits);
    if (!decoded) return std::nullopt;
    Bytes bytes{};
    std::copy(decoded->begin(), decoded->end(), bytes.begin());
    return Guid(bytes);
}

std::string Guid::text() const {
    std::string text = to_hex(bytes_);
    for (const std::size_t position : hyphens) text.insert(position, 1, '-');
    return text;
}

Guid::Bytes Guid::swapped(const Bytes& bytes) {
    Bytes result = bytes;
    std::reverse(result.begin(), result.begin() + 4);
    std::reverse(result.begin() + 4, result.begin() + 6);
    std::reverse(result.begin() + 6, result.begin() + 8);
    return result;
}

} // namespace ashlar

#include "hex_secret.hpp"

#include <string>
#include <string.h>

namespace ashlar::site {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

// Text that is wiped when it goes.
struct Wiped {
    std::string text;
    explicit Wiped(std::size_t size) : text(size, '\0') {}
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;
    ~Wiped() { ::explicit_bzero(text.data(), text.size()); }
};

} // namespace

Secret hex_of(const Secret& secret) {
    Wiped hex(2 * secret.text().size());
    for (std::size_t i = 0; i < secret.text().size(); ++i) {
        const auto byte = static_cast<unsigned char>(secret.text()[i]);
        hex.text[2 * i] = digits[byte >> 4];
        hex.text[2 * i + 1] = digits[byte & 15];
    }
    return Secret(hex.text);
}

std::optional<Secret> secret_from_hex(std::string_view hex, std::size_t size) {
    if (hex.size() != 2 * size) return std::nullopt;
    Wiped bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        const auto high = digits.find(hex[2 * i]), low = digits.find(hex[2 * i + 1]);
        if (high == digits.npos || low == digits.npos) return std::nullopt;
        bytes.text[i] = static_cast<char>(high << 4 | low);
    }
    return Secret(bytes.text);
}

} // namespace ashlar::site

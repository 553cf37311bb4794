#include "armour.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <array>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace {

constexpr std::string_view begin_line = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
constexpr std::string_view end_line = "-----END PGP PUBLIC KEY BLOCK-----";

std::optional<std::uint32_t> six_bits(char c) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t at = letters.find(c);
    if (at == letters.npos) return std::nullopt;
    return static_cast<std::uint32_t>(at);
}

// RFC 4648, 4, with padding.
std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    while (!text.empty()) {
        const std::string_view four = text.substr(0, 4);
        text.remove_prefix(4);
        std::size_t letters = 4;
        while (text.empty() && letters > 2 && four[letters - 1] == '=') --letters;
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const auto value = i < letters ? six_bits(four[i]) : std::optional<std::uint32_t>(0);
            if (!value) return std::nullopt;
            bits = bits << 6 | *value;
        }
        for (std::size_t i = 0; i + 1 < letters; ++i) bytes += static_cast<char>(bits >> (16 - 8 * i) & 0xff);
    }
    return bytes;
}

// The base64 lines of a block: after the headers' empty line, before the optional checksum.
std::string payload(std::string_view block) {
    std::string text;
    bool in_headers = true;
    for (std::string_view line : split(block, '\n')) {
        line = trim(line);
        if (in_headers) {
            if (line.empty()) in_headers = false;
            continue;
        }
        if (line.starts_with('=')) break;
        text += line;
    }
    return text;
}

bool is_binary(std::string_view text) { return !text.empty() && (static_cast<unsigned char>(text[0]) & 0x80U) != 0; }

} // namespace

std::string binary_certificates(std::string_view text, std::string_view name) {
    if (is_binary(text)) return std::string(text);
    std::string bytes;
    for (std::size_t start = text.find(begin_line); start != text.npos; start = text.find(begin_line, start)) {
        start = text.find('\n', start);
        const std::size_t end = start == text.npos ? text.npos : text.find(end_line, start);
        if (end == text.npos) throw Error(fmt::format("cannot read the key '{}': the key block has no end", name));
        const auto block = decode_base64(payload(text.substr(start + 1, end - start - 1)));
        if (!block || !is_binary(*block))
            throw Error(fmt::format("cannot read the key '{}': the key block is damaged", name));
        bytes += *block;
        start = end;
    }
    if (bytes.empty())
        throw Error(fmt::format("cannot read the key '{}': it is no OpenPGP certificate", name),
                    "export the archive's key with `gpg --export --armor`");
    return bytes;
}

} // namespace ashlar::fetch

#include <image/identifiers.hpp>

#include <algorithm>
#include <span>
#include <string>

namespace ashlar::image {

namespace {

Guid::Bytes sixteen(std::span<const std::byte> bytes) {
    Guid::Bytes out;
    std::copy_n(bytes.begin(), out.size(), out.begin());
    return out;
}

} // namespace

Guid guid_named(std::string_view name) {
    auto bytes = sixteen(sha256("ashlar:" + std::string(name)).bytes());
    bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x80};
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
    return Guid(bytes);
}

std::uint32_t volume_number(std::string_view name) {
    const auto guid = guid_named(name);
    std::uint32_t number = 0;
    for (const auto byte : std::span(guid.bytes()).first(4))
        number = number << 8 | std::to_integer<std::uint32_t>(byte);
    return number;
}

} // namespace ashlar::image

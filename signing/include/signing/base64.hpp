#pragma once

// Base64 with padding and without line breaks (RFC 4648, 4).

#include <signing/bytes.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

[[nodiscard]] std::string base64(ByteView bytes);
// Nothing for what is no such text, is empty, or is longer than `most` characters.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text, std::size_t most = 65536);

} // namespace ashlar

#pragma once

// HMAC-SHA256 (RFC 2104, FIPS 198-1): whoever has the key, and nobody else, wrote this text.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>

namespace ashlar {

[[nodiscard]] Digest hmac_sha256(ByteView key, ByteView text);

// In a time that does not say where two codes differ. Codes of different length, and empty ones, are not the same.
[[nodiscard]] bool same_code(ByteView left, ByteView right);

} // namespace ashlar

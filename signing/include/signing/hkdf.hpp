#pragma once

// HKDF-SHA256 (RFC 5869): keys for different uses from one key, none of which says anything about another.

#include <signing/bytes.hpp>

#include <cstddef>
#include <string_view>

namespace ashlar {

// Without a salt, as the key is random already. `info` names the use ("ashlar beacon 1"). Throws Error for more than 8160 bytes, and
// for an empty key: what is derived from nothing, everybody has.
[[nodiscard]] Bytes hkdf_sha256(ByteView key, std::string_view info, std::size_t size);

} // namespace ashlar

#pragma once

// A message as bytes: its length, 4 bytes, big-endian, and canonical JSON. Pure.

#include <base/json.hpp>
#include <signing/bytes.hpp>

#include <cstdint>

namespace ashlar::channel {

inline constexpr std::size_t frame_header_size = 4;

// An Error for what is larger than 1 MiB, and for what would not be read again as it was.
[[nodiscard]] Bytes frame_of(const Json& message);

// The length that a header says. An Error for 0 and for more than 1 MiB: known before any memory is taken for it.
[[nodiscard]] std::size_t frame_size(ByteView header);
// An Error for what is not canonical JSON, or no object.
[[nodiscard]] Json message_in(ByteView body);

} // namespace ashlar::channel

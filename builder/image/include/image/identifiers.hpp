#pragma once

// Identifiers of file systems, partitions and disks. Nothing here is random: what is built twice
// carries the same identifiers. docs/formats/image.md lists which name each is made from.

#include <signing/digest.hpp>
#include <signing/guid.hpp>

#include <cstdint>
#include <string_view>

namespace ashlar::image {

// An RFC 9562 version 8 identifier: the first 16 bytes of SHA-256("ashlar:" + name), version and
// variant set.
[[nodiscard]] Guid guid_named(std::string_view name);

// FAT's volume number: the first 32 bits of guid_named(name).
[[nodiscard]] std::uint32_t volume_number(std::string_view name);

} // namespace ashlar::image

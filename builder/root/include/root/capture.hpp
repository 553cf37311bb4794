#pragma once

#include <root/tree.hpp>

#include <cstdint>
#include <filesystem>

namespace ashlar::root {

// The record of a root as it is now; it may be an overlay mount. `source` of each file is its path
// here, so the root must stay as long as the record is read from. Extended attributes are the ones
// of this namespace, without those of overlays and of the host's security modules. Byte code has the
// package of its source. Times after `epoch` become the epoch. A root without dpkg's database is
// recorded without packages. A socket is an Error.
[[nodiscard]] Tree capture(const std::filesystem::path& root, std::int64_t epoch);

} // namespace ashlar::root

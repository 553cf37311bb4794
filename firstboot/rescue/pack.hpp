#pragma once

// Private to this module: tar.

#include <base/process.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::rescue {

enum class Compression { gzip, zstd };
// What `names` in `directory` lead to, as one archive. Symbolic links are followed. How tar ended: 1 is well, a file has grown while it
// was read.
[[nodiscard]] Outcome pack(const std::filesystem::path& file, const std::filesystem::path& directory, const std::vector<std::string>& names, Compression compression);

} // namespace ashlar::rescue

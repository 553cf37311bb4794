#pragma once

// Whole directories as one file: what is below them with owners, modes, times (in seconds), links and
// extended attributes, as a canonical tar stream in a Zstandard frame.

#include <cstdint>
#include <filesystem>

namespace ashlar::archive {

// Writes the new file `to`. Sockets are Errors. The same tree gives the same bytes.
void pack_tree(const std::filesystem::path& directory, const std::filesystem::path& to);

// Into `directory`, which is there and empty. What would come to lie outside is an Error, as is more than
// `limit` bytes; then `directory` holds some of it.
void unpack_tree(const std::filesystem::path& file, const std::filesystem::path& directory,
                 std::uint64_t limit = std::uint64_t{64} << 30);

} // namespace ashlar::archive

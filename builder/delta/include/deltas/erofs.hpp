#pragma once

// Where the files of a root file system lie in it: as much of EROFS as mkfs.erofs writes for our images,
// uncompressed, without fragments (Linux, fs/erofs/erofs_fs.h). docs/formats/image.md.

#include <signing/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::deltas {

struct Extent {
    std::uint64_t offset = 0, size = 0; // bytes in the file system
    bool operator==(const Extent&) const = default;
};

struct PlacedFile {
    std::string path; // from the root, without leading slash; of several hard links the first
    std::vector<Extent> extents; // in the file's order; the last may lie beside an inode
};

// The regular files with contents, by path. Throws Error `cannot read the file system of '<name>': …` on
// what is no such file system, or holds what is not read here (compression, other devices).
[[nodiscard]] std::vector<PlacedFile> placed_files(ByteView file_system, std::string_view name);

} // namespace ashlar::deltas

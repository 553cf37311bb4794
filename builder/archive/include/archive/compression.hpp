#pragma once

// Compressed files, as archives of packages serve them and as initrds want them.

#include <signing/digest.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ashlar::archive {

// Recognised by the first bytes of the content, never by the name: blobs have none.
enum class Compression { none, gzip, xz, zstd, bzip2, lzma };

struct Decompressed {
    Compression compression = Compression::none; // what the file was
    std::uint64_t size = 0;                      // bytes written
    Digest sha256;                               // of the bytes written
};

// Decompresses `from` into the new file `to`; a file that is not compressed is copied. Whatever is
// wrong with the stream (truncated, damaged, more than `limit` bytes) is an Error that names `from`,
// and no `to` stays behind. A stream's own check is no proof of anything, and libarchive leaves
// gzip's out: what comes from an archive is trusted for its digest alone.
Decompressed decompress_file(const std::filesystem::path& from, const std::filesystem::path& to,
                             std::uint64_t limit = std::uint64_t{4} << 30);

// The same for a small file in memory, such as a package's changelog; `name` is what errors show.
[[nodiscard]] std::string decompress(std::span<const std::byte> bytes, std::string_view name, std::uint64_t limit = std::uint64_t{64} << 20);

// Compresses `from` into the new file `to` as one Zstandard frame (RFC 8878) with content size and
// checksum. The bytes depend on content, level and libzstd's version, not on `threads` (0 = all cores).
void compress_zstd(const std::filesystem::path& from, const std::filesystem::path& to, int level, unsigned threads = 0);

} // namespace ashlar::archive

#pragma once

// Canonical tar streams: the same entries give the same bytes, on every machine and for ever, because
// no library decides about them. Format: ustar (POSIX.1-1988) with a pax extended header
// (POSIX.1-2001) in front of exactly those entries that ustar cannot hold: long names, large numbers,
// extended attributes (`SCHILY.xattr.<name>`, as GNU tar, libarchive and mkfs.erofs read them).

#include <base/file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::archive {

enum class TarType { file, directory, symlink, hard_link, character_device, block_device, fifo };

struct TarEntry {
    std::string path; // "usr/bin/bash"; no leading or trailing slash; the root itself is ""
    TarType type = TarType::file;
    unsigned mode = 0; // permission bits with set-uid, set-gid, sticky
    std::uint32_t uid = 0, gid = 0;
    std::int64_t mtime = 0; // seconds since 1970
    std::uint64_t size = 0; // files
    std::string target;     // symlinks: as it is; hard links: the path of an entry written before
    unsigned device_major = 0, device_minor = 0;
    std::map<std::string, std::string> xattrs; // "security.capability" → raw value
    unsigned links = 1;                        // files: names of the inode, this one included; only cpio asks
};

// Collects small pieces and writes them in large ones. The descriptor stays the caller's.
class OutputBuffer {
public:
    // `name` stands in errors, e.g. the path of the output or "mkfs.erofs".
    OutputBuffer(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

    void put(std::string_view text);
    void put(std::span<const std::byte> bytes);
    void zeros(std::size_t count);
    // Copies exactly `size` bytes of the file `source`; a file of another size is an Error.
    void copy(const std::filesystem::path& source, std::uint64_t size);
    void flush();

    [[nodiscard]] std::uint64_t written() const noexcept { return written_ + fill_; }

private:
    int fd_;
    std::string name_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(1 << 20);
    std::size_t fill_ = 0;
    std::uint64_t written_ = 0;
};

// Entries come out in the order they are added; parents first is the caller's duty.
class TarWriter {
public:
    TarWriter(int fd, std::string name) : out_(fd, std::move(name)) {}

    // Everything without contents: directories, links, devices, empty files.
    void add(const TarEntry& entry);
    // Files: `source` must have exactly entry.size bytes.
    void add_file(const TarEntry& entry, const std::filesystem::path& source);
    void add(const TarEntry& entry, std::string_view contents);
    // End-of-archive marker, padded to a record of 10,240 bytes. Without it the stream is incomplete.
    void finish();

private:
    void header(const TarEntry& entry, std::uint64_t size);

    OutputBuffer out_;
};

} // namespace ashlar::archive

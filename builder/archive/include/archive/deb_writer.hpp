#pragma once

// Reproducible binary packages, deb(5): the same contents give the same bytes (for one version of
// the compression library), whatever the order, the machine and the time.

#include <archive/compression.hpp>
#include <archive/deb.hpp>
#include <archive/tar.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::archive {

// `entry.size` and `entry.mtime` are set by the writer.
struct DebFile {
    TarEntry entry;
    // Of a file: its bytes, or where they are. Ignored for everything else.
    std::variant<std::string, std::filesystem::path> contents;
};

struct DebContents {
    // "control" (Debian Policy 5.3) must be there; then postinst, triggers and so on. Modes count.
    std::map<std::string, ControlMember> control;
    // Any order. Directories that are not listed are added with mode 0755 and owner 0.
    std::vector<DebFile> files;
    // Of every entry and member: the lock's epoch.
    std::int64_t mtime = 0;
    Compression compression = Compression::xz; // xz, zstd or none
};

// Writes the new file `to`. What dpkg cannot read (names over 99 bytes, extended attributes, two
// entries of one path) is an Error.
void write_deb(const std::filesystem::path& to, const DebContents& contents);

} // namespace ashlar::archive

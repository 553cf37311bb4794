#pragma once

// Our own record of a root: every entry with the owner, mode and attributes it will have in the
// image. It is what the file system is made from, so the result does not depend on who builds
// (root or an ordinary user with subordinate ids) or on the disk below.

#include <signing/digest.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ashlar::root {

enum class EntryType { directory, file, symlink, character_device, block_device, fifo };

struct Entry {
    std::string path; // "usr/bin/bash"; no leading slash; the root itself is ""
    EntryType type = EntryType::file;
    unsigned mode = 0; // permission bits with set-uid, set-gid, sticky
    std::uint32_t uid = 0, gid = 0; // as inside the image
    std::int64_t mtime = 0; // seconds; clamped to the lock's epoch
    std::uint64_t size = 0; // files
    std::string target; // symlinks
    unsigned device_major = 0, device_minor = 0;
    std::map<std::string, std::string> xattrs; // e.g. "security.capability" in its v2 form
    std::filesystem::path source; // files: where the bytes are now
    std::string hard_link; // path of the first entry with the same inode, empty = none
    std::string package; // who owns it by dpkg's lists; empty = made by a script or an overlay
};

// Sorted by path (bytewise); parents come before children.
using Tree = std::vector<Entry>;

} // namespace ashlar::root

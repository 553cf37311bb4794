#pragma once

// Packages → root: every package's files where dpkg would put them, before any script has run.
//
// What belongs where is decided before the root gets its first file, from the packages' tables of
// contents alone (unpack_plan.hpp), and does not depend on threads or timing:
//
//  - /bin, /sbin, /lib and its kin are links into /usr, also when no package brings the link.
//  - A directory of one package that is a symbolic link of another is followed: the link stays.
//  - A path of two packages is an Error that names both, unless one of them Replaces the other
//    (Debian Policy 7.6) or the path is diverted. When each replaces the other, the later one has it.
//  - Directories are shared; owner and mode are those of the first package, in the order given, that
//    has it.
//
// Hard links, set-uid bits, owners (by number), times and extended attributes are kept. Nothing is
// synced: who wants the result to survive a crash says so.

#include <archive/deb.hpp>
#include <base/progress.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ashlar::root {

// A package that has been fetched and verified, and what it must say it is.
struct PackageFile {
    std::filesystem::path path;
    std::string name, version, architecture;
};

// dpkg-divert(1): every package but `package` has `path` at `target`. Without leading slashes.
struct Diversion {
    std::string path, target;
    std::string package; // empty: diverted for all
};

struct UnpackedPackage {
    std::string name, version, architecture;
    // control.tar: "control", "postinst", "conffiles" …
    std::map<std::string, archive::ControlMember> control;
    // Paths as the package has them, without leading slash, without what another package replaces, in
    // dpkg's order: the package's, but symbolic links last. "" is the root.
    std::vector<std::string> paths;
    // Path and MD5 in hexadecimal, in the package's order: of the conffiles; of all files when the
    // package brings no md5sums.
    std::vector<std::pair<std::string, std::string>> md5;
};

struct UnpackOptions {
    std::vector<Diversion> diversions;
    // Of directories and links that no package describes.
    std::int64_t epoch = 0;
    unsigned threads = 0; // 0: one per processor
};

struct Unpacked {
    std::vector<UnpackedPackage> packages; // in the order given
    std::vector<Diversion> diversions;     // as given
    // Path in the root → name of the package it is from; of a directory: the one that describes it.
    std::map<std::string, std::string> owners;
    std::uint64_t bytes = 0; // of all files
};

// `destination` must be an empty directory on the file system where the root is to be. On an Error it
// holds the beginnings, and is of no use.
[[nodiscard]] Unpacked unpack(std::span<const PackageFile> packages, const std::filesystem::path& destination,
                              const UnpackOptions& options, Renderer& progress);

} // namespace ashlar::root

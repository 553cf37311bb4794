#pragma once

// Before the root gets its first file, each package's files lie under numbers in a staging directory
// on the same file system, complete with owner, mode, attributes and time. From there they are only
// renamed. No name that a package chose is used here.

#include "unpack_plan.hpp"

#include <base/file.hpp>
#include <base/progress.hpp>

#include <filesystem>
#include <span>
#include <vector>

namespace ashlar::root {

struct StagedPackage {
    UnpackedPackage package; // paths is filled later
    std::vector<archive::DebEntry> entries;
    std::uint64_t bytes = 0; // of all files
};

// In the order given; the files of package p are `<staging>/<p>/<entry>`. Largest package first, on
// all threads.
[[nodiscard]] std::vector<StagedPackage> stage_packages(std::span<const PackageFile> packages,
                                                        const std::filesystem::path& staging, unsigned threads,
                                                        Renderer& progress);

// Owner, mode, attributes and time of an entry, set through a descriptor of the file or directory.
void set_attributes(int fd, const archive::DebEntry& entry);

} // namespace ashlar::root

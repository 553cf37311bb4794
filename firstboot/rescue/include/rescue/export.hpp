#pragma once

// Logs of a node in one file on a stick: docs/guides/rescue.md.

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::rescue {

// A file or a directory, and what it is called in the archive. What is not there is left out.
struct Source {
    std::filesystem::path path;
    std::string name; // no '/'
};

// "logs-node-1-20260131T235959Z.tar.gz": FAT has no ':'.
[[nodiscard]] std::string archive_name(std::string_view node, std::chrono::sys_seconds time);

// Writes <stick>/ashlar/<name>, a tar archive through gzip, and returns its path when it is on the stick. Until then it has
// another name, and an Error (the stick is full, or read-only) leaves nothing. `scratch`: a directory in memory.
std::filesystem::path write_archive(const std::filesystem::path& stick, const std::string& name, const std::vector<Source>& sources, const std::filesystem::path& scratch);

} // namespace ashlar::rescue

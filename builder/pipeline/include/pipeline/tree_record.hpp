#pragma once

// What is in a root, entry by entry, as evidence beside the image and for `ashlar verify`:
// docs/formats/tree.md.

#include <root/tree.hpp>
#include <signing/digest.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::pipeline {

struct EntryRecord {
    std::string path; // as in root::Entry
    root::EntryType type = root::EntryType::file;
    unsigned mode = 0;
    std::uint32_t uid = 0, gid = 0;
    std::int64_t mtime = 0;
    std::uint64_t size = 0;
    std::string target;
    std::map<std::string, std::string> xattrs;
    std::string package;
    std::optional<Digest> sha256; // files
    std::optional<std::string> contents; // of the few files that is_kept() names
    bool operator==(const EntryRecord&) const = default;
};
using TreeRecord = std::vector<EntryRecord>; // sorted by path

// Files whose contents stand in the record, so that releases can be compared without their images: accounts,
// the kernel's configuration, sockets. Never a secret.
[[nodiscard]] bool is_kept(std::string_view path);

// Reads every file, on all processors.
[[nodiscard]] TreeRecord record(const root::Tree& tree);

// One entry a line. parse() throws Error on anything that to_text() does not write.
[[nodiscard]] std::string to_text(const TreeRecord& record);
[[nodiscard]] TreeRecord parse_tree_record(std::string_view text, std::string_view name);

} // namespace ashlar::pipeline

#pragma once

// The root file system: a tree's record becomes a canonical tar stream, the tools root's mkfs.erofs
// makes an uncompressed EROFS of it. docs/formats/image.md.

#include <archive/tar.hpp>
#include <root/sandbox.hpp>
#include <root/tree.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::image {

// The order of entries in the stream, and so of contents in the file system: all directories by
// path, then everything else by package and path, what no package owns last, hard links behind what
// they point to. A release that changes one package moves the blocks of no other by more than a shift.
// The pointers are into `tree`.
[[nodiscard]] std::vector<const root::Entry*> canonical_order(const root::Tree& tree);

// The entry as archives want it. Xattrs are kept; times before 1970 become 0.
[[nodiscard]] archive::TarEntry tar_entry(const root::Entry& entry);

// The output is determined by these values, the tree with its files' contents, and the tools root.
struct FileSystemInput {
    std::string name;                   // the role: names the file system's identifier
    std::int64_t epoch = 0;             // build time in the superblock
    std::optional<std::uint64_t> limit; // recipe::Limits::root
};
// Writes `output`, which must not exist; its size is a multiple of 4096. Error when it is larger
// than the limit: then `output` stays for a look.
void make_file_system(const root::Tree& tree, const FileSystemInput& input, const root::ToolsRoot& tools,
                      const std::filesystem::path& output);

} // namespace ashlar::image

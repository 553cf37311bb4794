#pragma once

// The initrd: what its own role unpacks, thinned out, with the kernel modules that the node's role
// names. docs/formats/initrd.md.

#include <image/kernel.hpp>
#include <root/sandbox.hpp>
#include <root/tree.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::image {

// The output is determined by these values, the trees with the contents of the files that go in, the
// tools root (depmod), and libzstd's version. No part of it depends on the node's role but the
// modules, so roles with the same kernel and modules share it.
struct InitrdInput {
    const root::Tree& content;        // of a role of kind initrd: packages unpacked, overlays on top
    std::vector<std::string> drop;    // that role's patterns
    const root::Tree& kernel_root;    // where usr/lib/modules and usr/lib/firmware are
    std::vector<std::string> modules; // recipe::Kernel::initrd_modules
    std::int64_t epoch = 0;
};

// What went in, for the log and for tests.
struct InitrdSummary {
    std::string kernel_version;
    std::vector<std::string> modules;          // with those they depend on
    std::vector<std::string> firmware;         // paths
    std::vector<std::string> unused_libraries; // left out
    MissingFirmware missing;                   // of `modules`; whether that is an error is the caller's decision
    std::uint64_t unpacked = 0;                // bytes of the archive
    std::uint64_t size = 0;                    // bytes of the output
};

// Writes `output` (one Zstandard frame over a newc archive), which must not exist. Works in a
// directory beside it. Error when a module is not there.
InitrdSummary make_initrd(const InitrdInput& input, const root::ToolsRoot& tools, const std::filesystem::path& output);

// The tree of the archive, for tests and for `inspect`. Files made here lie below `work`.
[[nodiscard]] root::Tree initrd_tree(const InitrdInput& input, const root::ToolsRoot& tools,
                                     const std::filesystem::path& work, InitrdSummary& summary);

// An uncompressed archive with the processors' microcode, from usr/lib/firmware/{intel,amd}-ucode of
// the tree. False, and no file, when the tree has none.
[[nodiscard]] bool make_microcode(const root::Tree& tree, std::int64_t epoch, const std::filesystem::path& output);

} // namespace ashlar::image

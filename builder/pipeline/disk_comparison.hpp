#pragma once

// Where two disk images differ that were made from the same root and the same UKI: one of them was
// changed after it was made, by a person, a medium or a copy that went wrong.

#include <pipeline/tree_record.hpp>
#include <pipeline/verify.hpp>
#include <root/sandbox.hpp>

#include <filesystem>
#include <vector>

namespace ashlar::pipeline {

// Names files of the boot partition and of the root where it can, else the partition or the rest of the
// disk. `record` is that of the root; `tools` has fsck.erofs, which writes what it reads to `work`.
[[nodiscard]] std::vector<Difference> compare_disks(const std::filesystem::path& disk, const std::filesystem::path& rebuilt, const TreeRecord& record,
                                                    const root::ToolsRoot& tools, const std::filesystem::path& work);

// Files below `root` that are not there or whose contents are not the record's.
[[nodiscard]] std::vector<Difference> compare_contents(const TreeRecord& record, const std::filesystem::path& root);

} // namespace ashlar::pipeline

#pragma once

// fsck.fat(8) as a second opinion on a boot partition.

#include "fat.hpp"

namespace powercut {

struct SecondOpinion {
    bool asked = false; // there was a FAT
    std::string disagreement; // empty: none
};

// The reader and fsck.fat agree when neither finds a file damaged that the other calls sound. What else fsck.fat
// minds after a cut (clusters that belong to no file, the mark of a volume in use, a second table that is behind)
// is no damage to a file. `scratch` is a file to be overwritten.
[[nodiscard]] SecondOpinion ask_fsck(const Disk& disk, Range boot_partition, const std::filesystem::path& scratch);

} // namespace powercut

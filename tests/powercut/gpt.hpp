#pragma once

// A GPT as the kernel and the firmware read it (UEFI specification 2.10, chapter 5): a protective MBR, then
// the primary table, or the backup where the primary is not whole.

#include "disk.hpp"

#include <signing/guid.hpp>

#include <functional>

namespace powercut {

struct Partition {
    std::size_t number = 0; // from 1
    Guid type, id;
    std::string label; // where it is ASCII
    Range range;
};

struct Table {
    enum class Copy { primary, backup } copy = Copy::primary;
    bool both = false; // and the other copy says the same
    std::vector<Partition> partitions;

    // The first of that type, or with that identifier.
    [[nodiscard]] const Partition* of_type(const Guid& type) const;
    [[nodiscard]] const Partition* with_id(const Guid& id) const;
};

// Nothing when there is no protective MBR or neither copy is whole.
[[nodiscard]] std::optional<Table> read_table(const Disk& disk);

} // namespace powercut

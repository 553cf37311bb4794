#pragma once

// Which disk to install on. Pure: the disks in, a choice or the reasons against one out.

#include <disks/disk.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::disks {

using site::Wipe;
using Rule = site::DiskRule;

// Why a disk is not the one: "sda (virtio, 21.5 GB): carries gpt, ext4, and wipe is \"if-blank\"".
struct Refusal {
    std::string disk;
    std::string reason;
    bool operator==(const Refusal&) const = default;
};

struct Chosen {
    Disk disk;
};
// Nothing is written. `reason` is one sentence; `refusals` has one entry for each disk, in their order.
struct Undecided {
    std::string reason;
    std::vector<Refusal> refusals;
};
using Choice = std::variant<Chosen, Undecided>;

// `minimum_size` is what the layout needs, in bytes.
[[nodiscard]] Choice choose(const Rule& rule, const std::vector<Disk>& disks, std::uint64_t minimum_size);

} // namespace ashlar::disks

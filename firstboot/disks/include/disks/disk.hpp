#pragma once

// The disks of a machine, as far as installing is concerned.

#include <site/disk_rule.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::disks {

using site::Bus;
using site::bus_named;
using site::name_of;

// What a disk carries: docs/formats/site.md, "wipe".
enum class Content {
    blank,
    unfinished, // an installation that did not come to its end: nothing of it was ever used
    ours,
    foreign,
};

struct Partition {
    unsigned number = 0;          // in the table, from 1
    std::filesystem::path device; // "/dev/nvme0n1p3"
    std::string type, id;         // GUIDs in lower case; of a table that is no GPT, what it has instead
    std::string label;
    std::string file_system;      // or another format, as blkid names it; empty when none is known
    bool operator==(const Partition&) const = default;
};

struct Disk {
    std::string name; // "nvme0n1"
    std::filesystem::path device; // "/dev/nvme0n1"
    Bus bus = Bus::other;
    std::string model, serial, wwn; // empty when the disk does not say
    std::uint64_t size = 0;         // bytes
    std::uint64_t sector_size = 512;
    bool read_only = false;
    bool removable = false;
    bool started_from = false; // the firmware's LoaderDevicePartUUID is on it
    std::vector<std::string> other_paths; // names under which the kernel has the same disk once more (multipath)
    std::vector<std::string> held_by; // devices made of it or of a partition, "md0", "dm-3"
    std::vector<Partition> partitions;
    Content content = Content::foreign;
    std::string carries; // what was found, for people: "gpt, ext4"; empty when blank

    // The first partition of a type, or with an identifier, in the order of their numbers; null when there
    // is none. Both are GUIDs in lower case.
    [[nodiscard]] const Partition* of_type(std::string_view type) const;
    [[nodiscard]] const Partition* with_id(std::string_view id) const;

    bool operator==(const Disk&) const = default;
};

// Types of partitions (Discoverable Partitions Specification).
inline constexpr std::string_view boot_partition_type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
inline constexpr std::string_view var_partition_type = "4d21b016-b534-45c2-a9fb-5c16e091fd2d";

} // namespace ashlar::disks

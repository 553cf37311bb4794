#pragma once

// Partition tables (GPT, UEFI specification 2.10, chapter 5), in images and on disks. The only door to
// libfdisk. Sectors have 512 bytes in a file, and on a disk what the disk says.

#include <signing/guid.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::gpt {

inline constexpr std::uint64_t alignment = 1U << 20U; // of partitions that are made here, bytes

struct Partition {
    std::size_t number = 0; // from 1
    Guid type, id;
    std::string label; // at most 36 characters
    std::uint64_t attributes = 0;
    std::uint64_t offset = 0, size = 0; // bytes
    bool operator==(const Partition&) const = default;
};

struct Table {
    Guid disk;
    std::vector<Partition> partitions; // by number

    // Nothing when there is none; an Error when there are several: an image has one of each type.
    [[nodiscard]] const Partition* find(const Guid& type) const;
};

// Error when there is no GPT.
[[nodiscard]] Table read(const std::filesystem::path& disk);

// `image` exists, is large enough and holds no partition table. Not synced: a build is not a disk.
void write_new(const std::filesystem::path& image, const Table& table);

// What becomes of partitions that are there; they stay where they are.
struct Change {
    std::size_t number = 0;
    Guid type, id;
    std::string label;
    std::uint64_t attributes = 0;
};
// All changes in one writing of the table, which is on the disk when this returns. Partitions may be in
// use: what the kernel knows of them stays as it was at the start.
void change(const std::filesystem::path& disk, const std::vector<Change>& changes);

} // namespace ashlar::gpt

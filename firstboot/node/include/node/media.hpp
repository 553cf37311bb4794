#pragma once

// Sticks: FAT file systems on all disks but the one that the node was started from.

#include <base/error.hpp>
#include <disks/disk.hpp>

#include <filesystem>
#include <functional>

namespace ashlar::node {

enum class MediumAccess { read_only, read_write };

// Mounts one after the other at a place of ours until `look` returns true; then true. What it throws for a medium, and what
// mounting does, goes to `failed`, and the next has its turn. Returns when the last medium that was mounted is unmounted.
bool on_media(MediumAccess access, const std::function<bool(const disks::Partition& medium, const std::filesystem::path& place)>& look,
              const std::function<void(const disks::Partition& medium, const Error& error)>& failed);

} // namespace ashlar::node

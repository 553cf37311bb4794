#pragma once

// A piece of an open file or disk, read and written by position.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ashlar {

// Whoever made it keeps the descriptor open. Only pread/pwrite are used, so the descriptor's position
// does not matter and does not change.
struct FileExtent {
    int fd;
    std::uint64_t offset = 0;
    std::uint64_t size = 0; // bytes
    std::string name;       // for messages
};

// `offset` counts from the extent's start. All bytes, or Error `cannot read '<name>': …`. The extent's
// own size is not asked: who passes an offset from outside has checked it.
void read_at(const FileExtent& from, std::uint64_t offset, std::span<std::byte> buffer);
void write_at(const FileExtent& to, std::uint64_t offset, std::span<const std::byte> bytes);

} // namespace ashlar

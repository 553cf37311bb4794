#pragma once

// How the new root is made of the old one: which blocks are copied, and for what changed, which part of
// the old root it is compressed against. Knows where files lie, so that a changed file is looked at beside
// what it was before, wherever that is.

#include <deltas/erofs.hpp>
#include <delta/stream.hpp>

#include <signing/bytes.hpp>

#include <vector>

namespace ashlar::deltas {

// A root file system in memory: whole blocks.
struct Side {
    ByteView bytes;
    std::vector<PlacedFile> files;
};

// An operation without its payload. Offsets and sizes are bytes, whole blocks.
struct Piece {
    delta::Kind kind;
    Extent made, old; // `old` is empty where the kind looks at nothing
    bool operator==(const Piece&) const = default;
};

struct PlanLimits {
    // Equal blocks in a row that are worth an operation of their own; fewer are cheaper inside a patch.
    std::uint64_t shortest_copy = 64 * delta::block_size;
    std::uint64_t shortest_zeros = 16 * delta::block_size;
    // The most a patch makes. Less than what it may look at: contents shift.
    std::uint64_t longest_patch = 3U << 20U;
    // How much more of the old root than its blocks' own places a patch looks at, on both sides.
    std::uint64_t margin = 128 * delta::block_size;
};

struct Plan {
    std::vector<Piece> pieces; // of the whole new root, in order
    std::vector<bool> changed; // by block of the new root: the old root has it nowhere
    std::vector<bool> kept;    // by file of the new side: it has the same contents in the old root
};
[[nodiscard]] Plan plan(const Side& old, const Side& now, const PlanLimits& limits = {});

// Without an old root: pieces of `size` bytes each, zeros where there is nothing else.
[[nodiscard]] Plan plan_full(ByteView now, std::uint64_t size);

// The path with each number replaced: files of two releases that differ by a version have the same.
[[nodiscard]] std::string without_versions(std::string_view path);

} // namespace ashlar::deltas

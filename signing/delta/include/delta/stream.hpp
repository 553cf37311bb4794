#pragma once

// A root file system on its way to a node, as a file of operations: docs/formats/delta.md.
//
// A *delta* makes the new root from exactly one old one; a *full* file makes it from nothing, and
// carries the lowest level of the new hash tree, so that a node can also take from it only the blocks
// that it has not (<delta/blocks.hpp>). Whoever sends such a file is not trusted: everything here is
// checked before it is used, and the caller compares root hashes at the end.

#include <base/error.hpp>
#include <signing/digest.hpp>
#include <signing/source.hpp>
#include <signing/verity.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ashlar::delta {

inline constexpr std::uint64_t block_size = verity_block;
// The most that one operation makes, and the most of the old root that it looks at.
inline constexpr std::uint64_t piece_limit = 4U << 20U;
inline constexpr std::uint32_t operation_limit = 1U << 18U;

// What is read is not what it has to be: the file is no such file, or damaged, or the old root is
// another than it was made from. Trying again does not help; another file may. Failures to read or
// write are plain Errors.
class Refused : public Error {
public:
    using Error::Error;
};

enum class Kind : std::uint8_t {
    zero = 0,  // zeros
    copy = 1,  // old bytes as they are
    patch = 2, // a zstd frame that refers to old bytes
    data = 3,  // a zstd frame
};

// All numbers are bytes. `offset` to `offset + size` of the new root is what it makes; operations
// follow each other there without gaps.
struct Operation {
    Kind kind;
    std::uint64_t offset, size; // whole blocks, at most piece_limit
    std::uint64_t old_offset = 0, old_size = 0; // copy, patch: whole blocks, at most piece_limit
    std::uint64_t payload_offset = 0, payload_size = 0; // patch, data: where in the file
    Digest result; // SHA-256 of what it makes; of zero not looked at
};

struct Old {
    Digest root_hash;
    std::uint64_t size; // of the root file system, without its hash tree
};

struct Header {
    std::optional<Old> old; // nothing: a full file
    Digest root_hash;       // of the new root
    std::uint64_t size;     // of the new root, without its hash tree: whole blocks
    VerityParameters verity; // what the new hash tree is computed with
};

class Stream {
public:
    // Reads the head: 512 bytes and the table of operations. Throws Refused, `cannot use delta '<name>':
    // …`, on anything that could make a later step leave its bounds. `source` must outlive this.
    explicit Stream(Source& source);

    [[nodiscard]] const Header& header() const noexcept { return header_; }
    [[nodiscard]] std::span<const Operation> operations() const noexcept { return operations_; }
    [[nodiscard]] Source& source() const noexcept { return *source_; }

    // SHA-256 of the first 480 bytes, which cover everything but the payloads' encoding: signed metadata
    // that names it vouches for every operation and its result.
    [[nodiscard]] const Digest& head_digest() const noexcept { return head_digest_; }
    // What reading the head has cost.
    [[nodiscard]] std::uint64_t head_size() const noexcept { return tree_offset_; }
    // The lowest level of the new hash tree; size 0 in a delta.
    [[nodiscard]] std::uint64_t tree_offset() const noexcept { return tree_offset_; }
    [[nodiscard]] std::uint64_t tree_size() const noexcept { return tree_size_; }
    // Bytes of payload that the operations from `operation` on need: what is left to transfer.
    [[nodiscard]] std::uint64_t payload_from(std::size_t operation) const noexcept;

private:
    Source* source_;
    Header header_;
    Digest head_digest_;
    std::uint64_t tree_offset_ = 0, tree_size_ = 0;
    std::vector<Operation> operations_;
};

} // namespace ashlar::delta

#pragma once

// Which bytes of a full file a node needs that has another root: the hash trees of both say which blocks
// are the same.

#include <delta/stream.hpp>

#include <signing/extent.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace ashlar::delta {

class BlockPlan {
public:
    // Whether operation `index` of the full file is made from old blocks alone.
    [[nodiscard]] bool found(std::size_t index) const { return found_[index]; }
    // The old block that is the same as the new one (numbers, not bytes). Only where found().
    [[nodiscard]] std::uint32_t old_block(std::uint64_t new_block) const { return old_blocks_[new_block]; }
    // What apply() will read of the payloads from operation `first` on.
    [[nodiscard]] std::uint64_t payload_from(const Stream& full, std::size_t first) const;
    // What apply() needs of the old root, in bytes.
    [[nodiscard]] std::uint64_t old_size() const noexcept { return old_size_; }
    // Bytes of the source that making this plan has read.
    [[nodiscard]] std::uint64_t read() const noexcept { return read_; }

private:
    friend std::optional<BlockPlan> plan_blocks(const Stream&, const FileExtent&);
    void mark_fetched(const Stream& full);

    std::vector<std::uint32_t> old_blocks_; // by new block
    std::vector<bool> found_;               // by operation
    std::uint64_t old_size_ = 0, read_ = 0;
};

// Reads the new tree's lowest level from the file (stream.tree_size() bytes) and refuses it if it is not
// that of header().root_hash; compares it with the tree `old_tree`, superblock first, which is only
// believed as a hint. Nothing: the file has no tree, or the trees have different salts or `old_tree` is
// none: they cannot be compared. Memory: 12 bytes per old block, 4 per new one.
[[nodiscard]] std::optional<BlockPlan> plan_blocks(const Stream& full, const FileExtent& old_tree);

} // namespace ashlar::delta

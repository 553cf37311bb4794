#include <delta/blocks.hpp>

#include <signing/bytes.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <numeric>

namespace ashlar::delta {

namespace {

constexpr std::uint32_t nowhere = 0xffffffff;
constexpr std::size_t read_size = 1U << 20U;

// The old root's blocks by the first eight bytes of their digests. Where two agree in these and not in
// the rest, a piece is taken for found that is not: the digest of its result tells, and it is fetched.
class OldBlocks {
public:
    explicit OldBlocks(std::uint64_t count) { keys_.reserve(count); }

    [[nodiscard]] std::uint64_t size() const noexcept { return keys_.size(); }
    void add(ByteView digest) { keys_.push_back(key(digest)); }
    void sort() {
        order_.resize(keys_.size());
        std::iota(order_.begin(), order_.end(), 0U);
        std::ranges::sort(order_, [&](std::uint32_t a, std::uint32_t b) { return std::pair(keys_[a], a) < std::pair(keys_[b], b); });
    }

    // Of several that are the same, the one behind `previous`: neighbours are read at once.
    [[nodiscard]] std::uint32_t find(ByteView digest, std::uint32_t previous) const {
        const std::uint64_t wanted = key(digest);
        if (std::uint64_t{previous} + 1 < keys_.size() && keys_[previous + 1] == wanted) return previous + 1;
        const auto found = std::ranges::lower_bound(order_, wanted, {}, [&](std::uint32_t block) { return keys_[block]; });
        return found == order_.end() || keys_[*found] != wanted ? nowhere : *found;
    }

private:
    static std::uint64_t key(ByteView digest) { return *little_endian_at<std::uint64_t>(digest, 0); }
    std::vector<std::uint64_t> keys_;   // by block
    std::vector<std::uint32_t> order_;  // blocks by key
};

// A tree's lowest level, wherever it lies.
class Leaves {
public:
    Leaves(std::uint64_t data_blocks, std::uint64_t size, std::function<void(std::uint64_t, std::span<std::byte>)> read)
        : data_blocks_(data_blocks), size_(size), read_(std::move(read)) {}

    [[nodiscard]] std::uint64_t count() const noexcept { return data_blocks_; }
    // `chunk` for whole hash blocks, then `leaf` for each digest in them.
    void visit(const std::function<void(ByteView)>& chunk, const std::function<void(ByteView)>& leaf) const {
        Bytes buffer;
        std::uint64_t left = data_blocks_;
        for (std::uint64_t at = 0; at < size_; at += buffer.size()) {
            buffer.resize(std::min<std::uint64_t>(read_size, size_ - at));
            read_(at, buffer);
            chunk(buffer);
            for (std::size_t i = 0; i < buffer.size() && left > 0; i += Digest::size, --left) leaf(ByteView(buffer).subspan(i, Digest::size));
        }
    }

private:
    std::uint64_t data_blocks_, size_;
    std::function<void(std::uint64_t, std::span<std::byte>)> read_;
};

// Nothing when there is no tree, or none that can be compared.
std::optional<Leaves> old_leaves(const FileExtent& tree, const VerityParameters& wanted) {
    const auto header = [&]() -> std::optional<VerityHeader> {
        try {
            return read_verity_header(tree);
        } catch (const Error&) { // an empty slot, say
            return std::nullopt;
        }
    }();
    if (!header || header->parameters.salt != wanted.salt) return std::nullopt;
    if (header->data_blocks < 2 || header->data_blocks > tree.size) return std::nullopt; // so that nothing overflows
    const std::uint64_t size = header->data_blocks * block_size;
    if (verity_size(size) > tree.size) return std::nullopt;
    const std::uint64_t start = verity_size(size) - verity_leaf_size(size);
    return Leaves(header->data_blocks, verity_leaf_size(size),
                  [tree, start](std::uint64_t at, std::span<std::byte> out) { read_at(tree, start + at, out); });
}

Leaves new_leaves(const Stream& full) {
    return {full.header().size / block_size, full.tree_size(),
            [&full](std::uint64_t at, std::span<std::byte> out) { full.source().read(full.tree_offset() + at, out); }};
}

} // namespace

std::optional<BlockPlan> plan_blocks(const Stream& full, const FileExtent& old_tree) {
    if (full.tree_size() == 0) return std::nullopt;
    const auto old = old_leaves(old_tree, full.header().verity);
    if (!old) return std::nullopt;
    OldBlocks blocks(old->count());
    old->visit([](ByteView) {}, [&](ByteView digest) { blocks.add(digest); });
    blocks.sort();

    BlockPlan plan;
    plan.old_size_ = blocks.size() * block_size;
    plan.read_ = full.tree_size();
    LeafHasher hasher(full.header().verity.salt);
    new_leaves(full).visit([&](ByteView chunk) { hasher.add(chunk); },
                           [&](ByteView digest) {
                               plan.old_blocks_.push_back(blocks.find(digest, plan.old_blocks_.empty() ? nowhere : plan.old_blocks_.back()));
                           });
    if (hasher.root() != full.header().root_hash)
        throw Refused(fmt::format("cannot use delta '{}': its tree is not that of its root hash", full.source().name()));
    plan.mark_fetched(full);
    return plan;
}

void BlockPlan::mark_fetched(const Stream& full) {
    for (const Operation& operation : full.operations()) {
        const auto first = old_blocks_.begin() + static_cast<std::ptrdiff_t>(operation.offset / block_size);
        const auto last = first + static_cast<std::ptrdiff_t>(operation.size / block_size);
        found_.push_back(operation.kind == Kind::zero || std::find(first, last, nowhere) == last);
    }
}

} // namespace ashlar::delta

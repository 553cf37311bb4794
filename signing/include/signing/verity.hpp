#pragma once

// dm-verity hash trees, the same bytes as `veritysetup format --format=1 --hash=sha256` writes with
// 4096-byte data and hash blocks and a superblock in front. The format: docs/formats/verity.md.

#include <signing/digest.hpp>
#include <signing/extent.hpp>
#include <signing/guid.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ashlar {

inline constexpr std::uint64_t verity_block = 4096;

// What is in the superblock, but for the number of data blocks.
struct VerityParameters {
    Guid uuid;
    std::vector<std::byte> salt; // 0 to 256 bytes, hashed in front of every block
};

// How large the hash area of `data_bytes` is, superblock included. A multiple of verity_block.
[[nodiscard]] std::uint64_t verity_size(std::uint64_t data_bytes);

// How large the tree's lowest level is, the digests of the data blocks: 128 in each of its blocks. It
// lies at the end of the hash area. A single data block has none.
[[nodiscard]] std::uint64_t verity_leaf_size(std::uint64_t data_bytes);

// From a tree's lowest level alone, the root hash: whoever has that level from somewhere need not
// believe it. One block at least.
class LeafHasher {
public:
    explicit LeafHasher(std::span<const std::byte> salt);
    ~LeafHasher();
    // Whole blocks of the level, in order.
    void add(std::span<const std::byte> blocks);
    [[nodiscard]] Digest root() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Reads all of `data` (its size: at least one block, a multiple of verity_block) and writes
// verity_size(data.size) bytes to `hash_fd` from `hash_offset` on. Several threads; the memory needed
// does not grow with the size. Returns the root hash. `hash_fd` must be readable too.
Digest write_verity(const FileExtent& data, int hash_fd, std::uint64_t hash_offset, const VerityParameters& parameters);
// The same for a whole file; `hash` appears when it is complete.
Digest write_verity(const std::filesystem::path& data, const std::filesystem::path& hash,
                    const VerityParameters& parameters);

struct VerityHeader {
    VerityParameters parameters;
    std::uint64_t data_blocks;
};
// Throws Error when there is no superblock, or one of another kind (format, hash, block sizes).
[[nodiscard]] VerityHeader read_verity_header(const FileExtent& hash);

// The first byte range that is not what the root hash vouches for.
struct VerityFault {
    enum class Where { superblock, tree, data } where;
    std::uint64_t offset; // bytes from the start of the extent it is in
    [[nodiscard]] std::string text() const;
};

// Nothing = data, tree and superblock are exactly those of `root` and `parameters`. The superblock is
// not covered by the root hash; it is compared with what `parameters` say, byte for byte.
[[nodiscard]] std::optional<VerityFault> verify_verity(const FileExtent& data, const FileExtent& hash,
                                                       const Digest& root, const VerityParameters& parameters);
[[nodiscard]] std::optional<VerityFault> verify_verity(const std::filesystem::path& data,
                                                       const std::filesystem::path& hash, const Digest& root,
                                                       const VerityParameters& parameters);

// Of these, what need not read the data again: superblock and tree. For whoever has just computed `root` from it.
[[nodiscard]] std::optional<VerityFault> verify_verity_tree(const FileExtent& data, const FileExtent& hash,
                                                            const Digest& root, const VerityParameters& parameters);

// The Discoverable Partitions Specification finds the partitions of a root hash by their identifiers:
// the data partition has its first 128 bits, the hash partition its last, taken as they are.
[[nodiscard]] Guid data_partition_of(const Digest& root_hash);
[[nodiscard]] Guid hash_partition_of(const Digest& root_hash);

} // namespace ashlar

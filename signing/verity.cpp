#include <signing/verity.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/parallel.hpp>
#include <signing/bytes.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

namespace ashlar {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t block = verity_block;
constexpr std::uint64_t fan_out = block / Digest::size; // 128 digests in a hash block
constexpr std::uint64_t data_limit = std::uint64_t{1} << 48; // far above any disk, far below overflow

// ---- The shape of a tree -----------------------------------------------------------------------

struct Level {
    std::uint64_t first;  // block number from the superblock's start
    std::uint64_t blocks;
};

// levels[0] holds the digests of data blocks; the last is one block, whose digest is the root hash.
// Stored the other way round: the last level first. A single data block needs no level at all.
struct Shape {
    std::uint64_t data_blocks;
    std::vector<Level> levels;
    std::uint64_t total_blocks; // with the superblock
};

Shape shape_of(std::uint64_t data_blocks) {
    Shape shape{data_blocks, {}, 1};
    for (std::uint64_t blocks = data_blocks; blocks > 1;) {
        blocks = (blocks + fan_out - 1) / fan_out;
        shape.levels.push_back({0, blocks});
    }
    for (auto level = shape.levels.rbegin(); level != shape.levels.rend(); ++level) {
        level->first = shape.total_blocks;
        shape.total_blocks += level->blocks;
    }
    return shape;
}

std::uint64_t blocks_in(const FileExtent& data) {
    if (data.size == 0 || data.size % block != 0 || data.size > data_limit)
        throw Error(fmt::format("cannot make a hash tree of '{}': {} bytes are not one or more whole blocks of {}",
                                data.name, data.size, block),
                    "pad the file system to a multiple of 4096 bytes");
    return data.size / block;
}

// ---- The superblock ----------------------------------------------------------------------------

constexpr std::size_t salt_limit = 256;
constexpr std::size_t at_version = 8, at_hash_type = 12, at_uuid = 16, at_algorithm = 32, at_data_block = 64,
                      at_hash_block = 68, at_data_blocks = 72, at_salt_size = 80, at_salt = 88;
constexpr std::array<std::byte, 8> magic{std::byte{'v'}, std::byte{'e'}, std::byte{'r'}, std::byte{'i'},
                                         std::byte{'t'}, std::byte{'y'}, std::byte{0},   std::byte{0}};
constexpr std::string_view algorithm_name = "sha256";

std::array<std::byte, block> superblock(const VerityParameters& parameters, std::uint64_t data_blocks) {
    std::array<std::byte, block> bytes{};
    const std::span<std::byte> all(bytes);
    std::ranges::copy(magic, bytes.begin());
    put_little_endian(all, at_version, std::uint32_t{1});
    put_little_endian(all, at_hash_type, std::uint32_t{1});
    std::ranges::copy(parameters.uuid.bytes(), bytes.begin() + at_uuid);
    std::ranges::copy(bytes_of(algorithm_name), bytes.begin() + at_algorithm);
    put_little_endian(all, at_data_block, static_cast<std::uint32_t>(block));
    put_little_endian(all, at_hash_block, static_cast<std::uint32_t>(block));
    put_little_endian(all, at_data_blocks, data_blocks);
    put_little_endian(all, at_salt_size, static_cast<std::uint16_t>(parameters.salt.size()));
    std::ranges::copy(parameters.salt, bytes.begin() + at_salt);
    return bytes;
}

void check(const VerityParameters& parameters) {
    if (parameters.salt.size() > salt_limit)
        throw Error(fmt::format("cannot make a hash tree: the salt has {} bytes, at most {} fit",
                                parameters.salt.size(), salt_limit));
}

// ---- Reading and writing -----------------------------------------------------------------------

FileExtent whole(const Fd& fd, const fs::path& path) {
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("read", path.native());
    return {fd.get(), 0, static_cast<std::uint64_t>(info.st_size), path.native()};
}

// ---- Hashing -----------------------------------------------------------------------------------

// One thread's SHA-256 of salt and block. A Hasher is made for one message; here one context does
// millions.
class BlockHasher {
public:
    explicit BlockHasher(std::span<const std::byte> salt) : salt_(salt) {
        if (EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) fail();
    }

    void hash(std::span<const std::byte> bytes, std::span<std::byte> digest) {
        if (EVP_DigestInit_ex(context_.get(), nullptr, nullptr) != 1 ||
            EVP_DigestUpdate(context_.get(), salt_.data(), salt_.size()) != 1 ||
            EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1 ||
            EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) != 1)
            fail();
    }

private:
    [[noreturn]] static void fail() { throw Error("cannot compute 'SHA-256': OpenSSL failed"); }
    struct Free {
        void operator()(EVP_MD_CTX* handle) const noexcept { EVP_MD_CTX_free(handle); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
    std::span<const std::byte> salt_;
};

// What a thread works with: the blocks below one hash block, and that hash block.
struct Family {
    BlockHasher hasher;
    std::vector<std::byte> children = std::vector<std::byte>(fan_out * block);
    std::array<std::byte, block> parent{};
    std::array<std::byte, block> expected{};

    // Reads the children of hash block `index` and computes it. Returns how many children there are.
    std::uint64_t compute(const FileExtent& below, std::uint64_t blocks_below, std::uint64_t index) {
        const std::uint64_t first = index * fan_out;
        const std::uint64_t count = std::min(fan_out, blocks_below - first);
        const auto bytes = std::span(children).first(count * block);
        read_at(below, first * block, bytes);
        parent.fill({});
        for (std::size_t i = 0; i < count; ++i)
            hasher.hash(bytes.subspan(i * block, block), std::span(parent).subspan(i * Digest::size, Digest::size));
        return count;
    }
};

struct Tree {
    const FileExtent& data;
    const FileExtent& hash;
    const Shape& shape;
    std::span<const std::byte> salt;

    [[nodiscard]] FileExtent stored(std::size_t level) const {
        const Level& found = shape.levels[level];
        return {hash.fd, hash.offset + found.first * block, found.blocks * block, hash.name};
    }
    [[nodiscard]] FileExtent below(std::size_t level) const { return level == 0 ? data : stored(level - 1); }
    [[nodiscard]] std::uint64_t blocks_below(std::size_t level) const {
        return level == 0 ? shape.data_blocks : shape.levels[level - 1].blocks;
    }
    [[nodiscard]] FileExtent top() const { return shape.levels.empty() ? data : stored(shape.levels.size() - 1); }
    [[nodiscard]] Family family() const { return Family{BlockHasher(salt)}; }

    [[nodiscard]] Digest root() const {
        std::array<std::byte, block> bytes;
        Digest::Bytes digest{};
        read_at(top(), 0, bytes);
        BlockHasher(salt).hash(bytes, digest);
        return Digest(digest);
    }
};

void write_level(const Tree& tree, std::size_t level) {
    const FileExtent below = tree.below(level), stored = tree.stored(level);
    in_parallel(
        tree.shape.levels[level].blocks, [&] { return tree.family(); },
        [&](std::uint64_t index, Family& family) {
            family.compute(below, tree.blocks_below(level), index);
            write_at(stored, index * block, family.parent);
        });
}

// The lowest block below `level` whose digest is not the stored one.
std::optional<std::uint64_t> first_difference(const Tree& tree, std::size_t level) {
    const FileExtent below = tree.below(level), stored = tree.stored(level);
    std::atomic<std::uint64_t> lowest{std::numeric_limits<std::uint64_t>::max()};
    in_parallel(
        tree.shape.levels[level].blocks, [&] { return tree.family(); },
        [&](std::uint64_t index, Family& family) {
            if (index * fan_out > lowest) return;
            const std::uint64_t count = family.compute(below, tree.blocks_below(level), index);
            read_at(stored, index * block, family.expected);
            for (std::size_t i = 0; i < count; ++i) {
                const std::size_t at = i * Digest::size;
                if (std::equal(family.parent.begin() + static_cast<std::ptrdiff_t>(at),
                               family.parent.begin() + static_cast<std::ptrdiff_t>(at + Digest::size),
                               family.expected.begin() + static_cast<std::ptrdiff_t>(at)))
                    continue;
                const std::uint64_t found = index * fan_out + i;
                for (std::uint64_t known = lowest; found < known && !lowest.compare_exchange_weak(known, found);) {}
                break;
            }
        });
    if (lowest == std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    return lowest.load();
}

VerityFault fault_below(const Tree& tree, std::size_t level, std::uint64_t index) {
    if (level == 0) return {VerityFault::Where::data, index * block};
    return {VerityFault::Where::tree, (tree.shape.levels[level - 1].first + index) * block};
}

} // namespace

std::uint64_t verity_size(std::uint64_t data_bytes) {
    return shape_of(blocks_in({-1, 0, data_bytes, "data"})).total_blocks * block;
}

std::uint64_t verity_leaf_size(std::uint64_t data_bytes) {
    const Shape shape = shape_of(blocks_in({-1, 0, data_bytes, "data"}));
    return shape.levels.empty() ? 0 : shape.levels.front().blocks * block;
}

struct LeafHasher::State {
    explicit State(std::span<const std::byte> the_salt) : salt(the_salt.begin(), the_salt.end()), hasher(salt) {}

    void add(std::span<const std::byte> hash_block) {
        above.resize(above.size() + Digest::size);
        hasher.hash(hash_block, std::span(above).last(Digest::size));
    }

    Bytes salt;
    BlockHasher hasher;
    Bytes above; // digests of the blocks added
};

LeafHasher::LeafHasher(std::span<const std::byte> salt) : state_(std::make_unique<State>(salt)) {}
LeafHasher::~LeafHasher() = default;

void LeafHasher::add(std::span<const std::byte> blocks) {
    for (; !blocks.empty(); blocks = blocks.subspan(block)) state_->add(blocks.first(block));
}

Digest LeafHasher::root() const {
    State level(state_->salt);
    level.above = state_->above;
    while (level.above.size() > Digest::size) {
        Bytes below = std::exchange(level.above, {});
        below.resize(round_up(below.size(), block));
        for (std::size_t at = 0; at < below.size(); at += block) level.add(std::span(below).subspan(at, block));
    }
    Digest::Bytes digest{};
    std::ranges::copy(level.above, digest.begin());
    return Digest(digest);
}

Digest write_verity(const FileExtent& data, int hash_fd, std::uint64_t hash_offset,
                    const VerityParameters& parameters) {
    check(parameters);
    const Shape shape = shape_of(blocks_in(data));
    const FileExtent hash{hash_fd, hash_offset, shape.total_blocks * block, "hash tree of " + data.name};
    const Tree tree{data, hash, shape, parameters.salt};
    for (std::size_t level = 0; level < shape.levels.size(); ++level) write_level(tree, level);
    write_at(hash, 0, superblock(parameters, shape.data_blocks));
    return tree.root();
}

Digest write_verity(const fs::path& data, const fs::path& hash, const VerityParameters& parameters) {
    const Fd input = open_file(data, O_RDONLY);
    const fs::path unfinished = hash.native() + ".unfinished";
    Fd output = open_file(unfinished, O_RDWR | O_CREAT | O_TRUNC);
    try {
        const Digest root = write_verity(whole(input, data), output.get(), 0, parameters);
        output.close();
        if (::rename(unfinished.c_str(), hash.c_str()) != 0) throw system_error("rename", hash.native());
        return root;
    } catch (...) {
        ::unlink(unfinished.c_str());
        throw;
    }
}

VerityHeader read_verity_header(const FileExtent& hash) {
    const auto refuse = [&](std::string_view cause) {
        return Error(fmt::format("cannot read the verity superblock of '{}': {}", hash.name, cause));
    };
    if (hash.size < block) throw refuse("it is smaller than one block");
    std::array<std::byte, block> bytes;
    read_at(hash, 0, bytes);
    const auto number = [&](std::size_t at) { return *little_endian_at<std::uint32_t>(bytes, at); };
    if (!std::equal(magic.begin(), magic.end(), bytes.begin())) throw refuse("there is none");
    if (number(at_version) != 1 || number(at_hash_type) != 1) throw refuse("it is not of format 1");
    if (number(at_data_block) != block || number(at_hash_block) != block) throw refuse("its blocks are not of 4096 bytes");
    const ByteView name(bytes.data() + at_algorithm, 32);
    if (text_of(name.first(algorithm_name.size())) != algorithm_name || name[algorithm_name.size()] != std::byte{0})
        throw refuse("its hash is not sha256");
    const std::size_t salt_size = *little_endian_at<std::uint16_t>(bytes, at_salt_size);
    if (salt_size > salt_limit) throw refuse("its salt is longer than 256 bytes");
    Guid::Bytes uuid{};
    std::copy_n(bytes.begin() + at_uuid, Guid::size, uuid.begin());
    const auto salt = bytes.begin() + at_salt;
    return {{Guid(uuid), {salt, salt + static_cast<std::ptrdiff_t>(salt_size)}},
            *little_endian_at<std::uint64_t>(bytes, at_data_blocks)};
}

namespace {

// From the top down to `lowest`; the data lies below level 0.
std::optional<VerityFault> first_fault(const FileExtent& data, const FileExtent& hash, const Digest& root,
                                       const VerityParameters& parameters, std::size_t lowest) {
    check(parameters);
    const Shape shape = shape_of(blocks_in(data));
    if (hash.size < shape.total_blocks * block)
        throw Error(fmt::format("cannot verify '{}': its hash tree '{}' has {} bytes, {} are needed", data.name, hash.name,
                                hash.size, shape.total_blocks * block));
    const Tree tree{data, hash, shape, parameters.salt};

    std::array<std::byte, block> found;
    read_at(hash, 0, found);
    if (found != superblock(parameters, shape.data_blocks)) return VerityFault{VerityFault::Where::superblock, 0};
    if (tree.root() != root) return fault_below(tree, shape.levels.size(), 0);
    for (std::size_t level = shape.levels.size(); level-- > lowest;)
        if (const auto index = first_difference(tree, level)) return fault_below(tree, level, *index);
    return std::nullopt;
}

} // namespace

std::optional<VerityFault> verify_verity(const FileExtent& data, const FileExtent& hash, const Digest& root,
                                         const VerityParameters& parameters) {
    return first_fault(data, hash, root, parameters, 0);
}

std::optional<VerityFault> verify_verity_tree(const FileExtent& data, const FileExtent& hash, const Digest& root,
                                              const VerityParameters& parameters) {
    return first_fault(data, hash, root, parameters, 1);
}

std::optional<VerityFault> verify_verity(const fs::path& data, const fs::path& hash, const Digest& root,
                                         const VerityParameters& parameters) {
    const Fd data_fd = open_file(data, O_RDONLY), hash_fd = open_file(hash, O_RDONLY);
    return verify_verity(whole(data_fd, data), whole(hash_fd, hash), root, parameters);
}

std::string VerityFault::text() const {
    switch (where) {
    case Where::superblock: return "the superblock differs";
    case Where::tree: return fmt::format("the hash block at byte {} of the tree differs", offset);
    case Where::data: return fmt::format("the data block at byte {} differs", offset);
    }
    std::abort();
}

Guid data_partition_of(const Digest& root_hash) {
    Guid::Bytes id{};
    std::ranges::copy(std::span(root_hash.bytes()).first(Guid::size), id.begin());
    return Guid(id);
}

Guid hash_partition_of(const Digest& root_hash) {
    Guid::Bytes id{};
    std::ranges::copy(std::span(root_hash.bytes()).last(Guid::size), id.begin());
    return Guid(id);
}

} // namespace ashlar

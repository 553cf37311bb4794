#include <deltas/erofs.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::deltas {

namespace {

constexpr std::uint64_t block = 4096, superblock_at = 1024, slot = 32; // an inode begins at a slot
constexpr std::uint32_t magic = 0xe0f5e1e2;
constexpr std::size_t at_block_bits = 12, at_root = 14, at_meta = 40, at_incompatible = 80;

constexpr unsigned type_mask = 0170000, type_directory = 0040000, type_file = 0100000;
constexpr std::size_t entry_size = 12; // of a directory: nid, where its name is, type
constexpr unsigned deepest = 256;      // directories in each other: more is a loop

enum class Layout : unsigned { plain = 0, compressed_full = 1, tail_inside = 2, compressed = 3, chunks = 4 };

struct Inode {
    Layout layout;
    unsigned mode;
    std::uint64_t size;
    std::uint64_t start;  // block of its contents
    std::uint64_t behind; // byte behind inode and attributes
};

class FileSystem {
public:
    FileSystem(ByteView bytes, std::string_view name) : bytes_(bytes), name_(name) {
        const ByteView superblock = at(superblock_at, 128);
        if (number<std::uint32_t>(superblock, 0) != magic) refuse("it is no EROFS");
        if (number<std::uint8_t>(superblock, at_block_bits) != 12) refuse("its blocks are not of 4096 bytes");
        if (number<std::uint32_t>(superblock, at_incompatible) != 0) refuse("it uses features that are not read here");
        meta_ = std::uint64_t{number<std::uint32_t>(superblock, at_meta)} * block;
        root_ = number<std::uint16_t>(superblock, at_root);
    }

    std::vector<PlacedFile> files() && {
        walk(root_, "", 0);
        std::ranges::sort(files_, {}, &PlacedFile::path);
        return std::move(files_);
    }

private:
    [[noreturn]] void refuse(std::string_view cause) const {
        throw Error(fmt::format("cannot read the file system of '{}': {}", name_, cause));
    }

    [[nodiscard]] ByteView at(std::uint64_t offset, std::uint64_t size) const {
        if (offset > bytes_.size() || size > bytes_.size() - offset) refuse("it points behind its end");
        return bytes_.subspan(offset, size);
    }
    template <typename Number>
    static Number number(ByteView bytes, std::size_t offset) {
        return *little_endian_at<Number>(bytes, offset);
    }

    [[nodiscard]] Inode inode(std::uint64_t nid) const {
        if (nid > bytes_.size() / slot) refuse("it points behind its end");
        const std::uint64_t offset = meta_ + nid * slot;
        const unsigned format = number<std::uint16_t>(at(offset, 2), 0);
        const std::uint64_t inode_size = (format & 1U) != 0 ? 64 : 32;
        const ByteView raw = at(offset, inode_size);
        const std::uint64_t attributes = number<std::uint16_t>(raw, 2);
        return {.layout = static_cast<Layout>(format >> 1U & 7U),
                .mode = number<std::uint16_t>(raw, 4),
                .size = inode_size == 64 ? number<std::uint64_t>(raw, 8) : number<std::uint32_t>(raw, 8),
                .start = number<std::uint32_t>(raw, 16),
                .behind = offset + inode_size + (attributes == 0 ? 0 : 12 + 4 * (attributes - 1))};
    }

    [[nodiscard]] std::vector<Extent> extents(const Inode& inode) const {
        if (inode.size > bytes_.size()) refuse("a file is larger than it");
        switch (inode.layout) {
        case Layout::plain: return checked({{inode.start * block, inode.size}});
        case Layout::tail_inside: {
            const std::uint64_t whole = inode.size / block * block;
            return checked({{inode.start * block, whole}, {inode.behind, inode.size - whole}});
        }
        case Layout::chunks: return chunks(inode);
        case Layout::compressed_full:
        case Layout::compressed: break;
        }
        refuse("it has compressed files");
    }

    [[nodiscard]] std::vector<Extent> checked(std::vector<Extent> extents) const {
        std::erase_if(extents, [](const Extent& extent) { return extent.size == 0; });
        for (const Extent& extent : extents) static_cast<void>(at(extent.offset, extent.size));
        return extents;
    }

    // A table of block numbers, one for each chunk; holes have none.
    [[nodiscard]] std::vector<Extent> chunks(const Inode& inode) const {
        constexpr std::uint64_t bits = 31, with_device = 32, hole = 0xffffffff;
        const std::uint64_t format = inode.start & 0xffff, chunk = block << (format & bits);
        const std::uint64_t row = (format & with_device) != 0 ? 8 : 4, table = round_up(inode.behind, row);
        std::vector<Extent> found;
        for (std::uint64_t from = 0, i = 0; from < inode.size; from += chunk, ++i) {
            const std::uint64_t where = number<std::uint32_t>(at(table + i * row, row), row - 4);
            if (where != hole) found.push_back({where * block, std::min(chunk, inode.size - from)});
        }
        return checked(std::move(found));
    }

    void walk(std::uint64_t nid, const std::string& path, unsigned depth) {
        if (depth > deepest || !visited_.insert(nid).second) return;
        const Inode found = inode(nid);
        if ((found.mode & type_mask) == type_directory) {
            for (const Extent& extent : extents(found)) walk_entries(extent, path, depth);
        } else if ((found.mode & type_mask) == type_file && found.size > 0) {
            files_.push_back({path, extents(found)});
        }
    }

    // Each block of a directory stands alone: entries, then their names.
    void walk_entries(const Extent& extent, const std::string& path, unsigned depth) {
        for (std::uint64_t from = 0; from < extent.size; from += block) {
            const ByteView bytes = at(extent.offset + from, std::min(block, extent.size - from));
            for (const auto& [name, nid] : entries(bytes))
                if (name != "." && name != "..") walk(nid, path.empty() ? name : path + "/" + name, depth + 1);
        }
    }

    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> entries(ByteView bytes) const {
        if (bytes.size() < entry_size) refuse("a directory is damaged");
        const auto name_at = [&](std::size_t i) { return std::size_t{number<std::uint16_t>(bytes, i * entry_size + 8)}; };
        const std::size_t count = name_at(0) / entry_size;
        if (count == 0 || count * entry_size > bytes.size()) refuse("a directory is damaged");
        std::vector<std::pair<std::string, std::uint64_t>> all;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t start = name_at(i), end = i + 1 < count ? name_at(i + 1) : bytes.size();
            if (start > end || end > bytes.size()) refuse("a directory is damaged");
            const std::string_view padded = text_of(bytes.subspan(start, end - start));
            all.emplace_back(padded.substr(0, padded.find('\0')), number<std::uint64_t>(bytes, i * entry_size));
        }
        return all;
    }

    ByteView bytes_;
    std::string name_;
    std::uint64_t meta_ = 0, root_ = 0;
    std::set<std::uint64_t> visited_;
    std::vector<PlacedFile> files_;
};

} // namespace

std::vector<PlacedFile> placed_files(ByteView file_system, std::string_view name) {
    return FileSystem(file_system, name).files();
}

} // namespace ashlar::deltas

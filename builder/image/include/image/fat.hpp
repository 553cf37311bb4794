#pragma once

// Reads files of a FAT32 volume (Microsoft's FAT specification 1.03; long names as there) inside a
// disk image, without a mount and without rights. Foreign bytes: everything is checked, chains and
// directories cannot loop.

#include <signing/bytes.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::image {

struct FatFile {
    std::string path; // "EFI/Linux/ashlar_R0.0.efi", as written; compare without regard to case
    std::uint64_t size = 0;
    std::uint32_t first_cluster = 0; // 0: empty
};

class FatVolume {
public:
    // The volume lies in `fd`, which must stay open, from `offset` on. Error when it is no FAT32, or
    // says to be larger than `size`.
    FatVolume(int fd, std::uint64_t offset, std::uint64_t size, std::string name);

    // Every file, in the order of the directories. Error for a damaged directory.
    [[nodiscard]] std::vector<FatFile> files() const;
    // Error when the file's chain of clusters is shorter than its size, or damaged.
    [[nodiscard]] Bytes read(const FatFile& file) const;

private:
    [[nodiscard]] Bytes at(std::uint64_t offset, std::uint64_t size) const;
    [[nodiscard]] Bytes cluster(std::uint32_t number) const;
    [[nodiscard]] std::vector<std::uint32_t> chain(std::uint32_t first, std::uint64_t longest) const;
    struct Walk {
        unsigned depth = 0, directories = 0;
        std::vector<FatFile> files;
    };
    void list(std::uint32_t directory, const std::string& prefix, Walk& walk) const;

    int fd_;
    std::uint64_t offset_;
    std::uint64_t size_;
    std::string name_;
    std::uint64_t cluster_size_ = 0;
    std::uint64_t data_start_ = 0; // of cluster 2, from offset_
    std::uint32_t clusters_ = 0;
    std::uint32_t root_ = 0;
    Bytes table_;
};

} // namespace ashlar::image

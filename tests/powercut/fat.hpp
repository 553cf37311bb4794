#pragma once

// An independent reader of FAT32 (Microsoft's FAT specification 1.03), written for these tests alone: it
// shares no code with what the builder and the node read and write. It reads like the firmware's driver, which
// stops at the first directory entry that was never used, and goes by the short name where the long one's
// pieces do not belong to it.

#include "disk.hpp"

#include <functional>
#include <string>
#include <vector>

namespace powercut {

struct FatFile {
    std::string path; // "EFI/Linux/ashlar_R0.0.efi"
    bool is_directory = false;
    std::uint32_t size = 0;              // bytes; 0 for a directory
    std::vector<std::uint32_t> clusters; // as far as the chain goes
    bool whole = true;                   // the chain is as long as the size says
};

class Fat {
public:
    // Nothing when no FAT32 begins there.
    [[nodiscard]] static std::optional<Fat> read(const Disk& disk, Range range);

    // Every file and directory, a directory before what is in it.
    [[nodiscard]] const std::vector<FatFile>& files() const { return files_; }
    // Without regard to case; nothing when it is not there.
    [[nodiscard]] const FatFile* find(std::string_view path) const;
    // What is not as it should be, one line each.
    [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
    // Files that have clusters with another one in common, by path.
    [[nodiscard]] const std::vector<std::string>& shared() const { return shared_; }

    // The first `most` bytes.
    [[nodiscard]] Bytes content(const FatFile& file, std::uint64_t most = UINT64_MAX) const;
    // Whether it holds exactly what `content` stands for, of `size` bytes.
    [[nodiscard]] bool holds(const FatFile& file, const Content& content, std::uint64_t size) const;

private:
    Fat(const Disk& disk, Range range) : disk_(&disk), range_(range) {}
    bool read_parameters();
    [[nodiscard]] std::uint32_t next(std::uint32_t cluster) const;
    [[nodiscard]] bool is_cluster(std::uint32_t number) const { return number >= 2 && number < clusters_ + 2; }
    [[nodiscard]] std::uint64_t first_sector(std::uint32_t cluster) const { return data_ + std::uint64_t{cluster - 2} * per_cluster_; }
    std::vector<std::uint32_t> chain(std::uint32_t first, std::uint64_t longest, const std::string& path);
    void list(const FatFile& directory, unsigned depth);
    void add(const std::string& path, ByteView entry, unsigned depth);
    void find_shared();

    const Disk* disk_;
    Range range_;
    std::uint64_t per_cluster_ = 0, table_ = 0, data_ = 0; // sectors of the disk
    std::uint32_t clusters_ = 0, root_ = 0;
    std::vector<FatFile> files_;
    std::vector<std::string> faults_, shared_;
};

} // namespace powercut

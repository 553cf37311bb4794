#include <image/fat.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <unistd.h>

namespace ashlar::image {

namespace {

constexpr std::uint32_t first_data_cluster = 2;
constexpr std::uint32_t cluster_mask = 0x0fffffff; // the upper four bits of a FAT32 entry are reserved
constexpr std::uint32_t end_of_chain = 0x0ffffff8;
constexpr std::size_t entry_size = 32;
constexpr std::size_t longest_name = 260; // 20 entries of 13; names have at most 255
constexpr unsigned deepest = 16;
constexpr unsigned most_directories = 256;
constexpr std::size_t most_files = 4096;
constexpr std::uint64_t largest_directory = 2U << 20U; // 65,536 entries: the format's own limit

constexpr std::uint8_t attribute_volume = 0x08, attribute_directory = 0x10, attribute_long_name = 0x0f;

std::uint8_t byte_at(ByteView bytes, std::size_t offset) { return std::to_integer<std::uint8_t>(bytes[offset]); }

bool is_power_of_two(std::uint64_t number) { return number != 0 && (number & (number - 1)) == 0; }

struct BootSector {
    // Products of these cannot overflow: the largest are a 32-bit number times 8 bits, and times 12 bits.
    std::uint64_t sector, sectors_per_cluster, reserved, tables, total, table_sectors;
    std::uint32_t root;
    bool is_boot_sector, is_fat32;

    explicit BootSector(ByteView bytes)
        : sector(little_endian_at<std::uint16_t>(bytes, 11).value_or(0)), sectors_per_cluster(byte_at(bytes, 13)),
          reserved(little_endian_at<std::uint16_t>(bytes, 14).value_or(0)), tables(byte_at(bytes, 16)),
          total(little_endian_at<std::uint32_t>(bytes, 32).value_or(0)),
          table_sectors(little_endian_at<std::uint32_t>(bytes, 36).value_or(0)),
          root(little_endian_at<std::uint32_t>(bytes, 44).value_or(0)),
          is_boot_sector(little_endian_at<std::uint16_t>(bytes, 510) == 0xaa55),
          // FAT12 and FAT16 have entries in a root directory of fixed size, and a 16-bit table size
          is_fat32(little_endian_at<std::uint16_t>(bytes, 17) == 0 && little_endian_at<std::uint16_t>(bytes, 22) == 0) {
    }

    [[nodiscard]] std::uint64_t first_data_sector() const { return reserved + tables * table_sectors; }
    [[nodiscard]] std::uint32_t clusters() const {
        return static_cast<std::uint32_t>((total - first_data_sector()) / sectors_per_cluster);
    }

    [[nodiscard]] std::optional<std::string> fault(std::uint64_t volume) const {
        constexpr std::uint64_t smallest_sector = 512, largest_sector = 4096;
        if (!is_boot_sector) return "there is no boot sector";
        if (!is_fat32) return "it is not FAT32";
        if (!is_power_of_two(sector) || sector < smallest_sector || sector > largest_sector ||
            !is_power_of_two(sectors_per_cluster) || reserved == 0 || tables == 0 || first_data_sector() >= total)
            return "the boot sector contradicts itself";
        if (total * sector > volume) return "it ends after the end of the partition";
        if ((std::uint64_t{clusters()} + first_data_cluster) * 4 > table_sectors * sector ||
            clusters() > cluster_mask - 16)
            return "its table is too small for it";
        return std::nullopt;
    }
};

// "SYSTEMDB" "EFI" → "SYSTEMDB.EFI"; bits 3 and 4 of byte 12 say that base or extension are lower case.
std::string short_name(ByteView entry) {
    const auto part = [&](std::size_t offset, std::size_t size, bool lower) {
        auto text = std::string(text_of(entry.subspan(offset, size)));
        text.erase(text.find_last_not_of(' ') + 1);
        if (lower)
            std::ranges::transform(text, text.begin(),
                                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        return text;
    };
    const auto base = part(0, 8, (byte_at(entry, 12) & 0x08U) != 0);
    const auto extension = part(8, 3, (byte_at(entry, 12) & 0x10U) != 0);
    return extension.empty() ? base : base + "." + extension;
}

// 13 UTF-16 units in three places; names outside ASCII are no concern of an ESP and shown as '?'.
std::string long_name_part(ByteView entry) {
    std::string out;
    for (const unsigned offset : {1U, 3U, 5U, 7U, 9U, 14U, 16U, 18U, 20U, 22U, 24U, 28U, 30U}) {
        const auto unit = little_endian_at<std::uint16_t>(entry, offset).value_or(0);
        if (unit == 0 || unit == 0xffff) break;
        out += unit < 0x80 ? static_cast<char>(unit) : '?';
    }
    return out;
}

std::uint32_t first_cluster_of(ByteView entry) {
    const std::uint32_t high = little_endian_at<std::uint16_t>(entry, 20).value_or(0);
    return high << 16U | little_endian_at<std::uint16_t>(entry, 26).value_or(0);
}

} // namespace

FatVolume::FatVolume(int fd, std::uint64_t offset, std::uint64_t size, std::string name)
    : fd_(fd), offset_(offset), size_(size), name_(std::move(name)) {
    const auto boot = BootSector(at(0, 512));
    if (const auto cause = boot.fault(size))
        throw Error(fmt::format("cannot read the FAT volume '{}': {}", name_, *cause));
    cluster_size_ = boot.sector * boot.sectors_per_cluster;
    data_start_ = boot.first_data_sector() * boot.sector;
    clusters_ = boot.clusters();
    root_ = boot.root;
    table_ = at(boot.reserved * boot.sector, (std::uint64_t{clusters_} + first_data_cluster) * 4);
}

Bytes FatVolume::at(std::uint64_t offset, std::uint64_t size) const {
    const auto short_read = [&] {
        return Error(fmt::format("cannot read the FAT volume '{}': it ends after the end of the file", name_));
    };
    if (offset > size_ || size > size_ - offset) throw short_read();
    Bytes out(static_cast<std::size_t>(size));
    for (std::size_t done = 0; done < out.size();) {
        const auto count =
            ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset_ + offset + done));
        if (count < 0) throw system_error("read", name_);
        if (count == 0) throw short_read();
        done += static_cast<std::size_t>(count);
    }
    return out;
}

Bytes FatVolume::cluster(std::uint32_t number) const {
    return at(data_start_ + (number - first_data_cluster) * cluster_size_, cluster_size_);
}

std::vector<std::uint32_t> FatVolume::chain(std::uint32_t first, std::uint64_t longest) const {
    std::vector<std::uint32_t> out;
    for (auto next = first; next < end_of_chain;
         next = little_endian_at<std::uint32_t>(table_, std::uint64_t{next} * 4).value_or(0) & cluster_mask) {
        if (next < first_data_cluster || next >= clusters_ + first_data_cluster || out.size() >= longest)
            throw Error(
                fmt::format("cannot read the FAT volume '{}': a chain of clusters is damaged at {}", name_, next));
        out.push_back(next);
    }
    return out;
}

void FatVolume::list(std::uint32_t directory, const std::string& prefix, Walk& walk) const {
    // Directories that contain each other would else take for ever, or exponentially long.
    if (walk.depth > deepest)
        throw Error(
            fmt::format("cannot read the FAT volume '{}': directories are nested deeper than {}", name_, deepest));
    if (++walk.directories > most_directories)
        throw Error(
            fmt::format("cannot read the FAT volume '{}': it has more than {} directories", name_, most_directories));
    auto& out = walk.files;
    std::string long_name;
    for (const auto number : chain(directory, largest_directory / cluster_size_ + 1)) {
        const auto content = cluster(number);
        for (std::size_t place = 0; place + entry_size <= content.size(); place += entry_size) {
            const auto entry = ByteView(content).subspan(place, entry_size);
            const auto mark = byte_at(entry, 0);
            const auto attributes = byte_at(entry, 11);
            if (mark == 0) return;
            if (mark == 0xe5) continue;              // deleted
            if (attributes == attribute_long_name) { // parts come last first
                long_name = (mark & 0x40U) != 0 ? long_name_part(entry) : long_name_part(entry) + long_name;
                if (long_name.size() > longest_name)
                    throw Error(fmt::format("cannot read the FAT volume '{}': a name is longer than {} characters",
                                            name_, longest_name));
                continue;
            }
            const auto file_name = long_name.empty() ? short_name(entry) : long_name;
            long_name.clear();
            if ((attributes & attribute_volume) != 0 || file_name == "." || file_name == "..") continue;
            if ((attributes & attribute_directory) != 0) {
                ++walk.depth;
                list(first_cluster_of(entry), prefix + file_name + "/", walk);
                --walk.depth;
            } else
                out.push_back({prefix + file_name, little_endian_at<std::uint32_t>(entry, 28).value_or(0),
                               first_cluster_of(entry)});
            if (out.size() > most_files)
                throw Error(
                    fmt::format("cannot read the FAT volume '{}': it has more than {} files", name_, most_files));
        }
    }
}

std::vector<FatFile> FatVolume::files() const {
    Walk walk;
    list(root_, "", walk);
    return std::move(walk.files);
}

Bytes FatVolume::read(const FatFile& file) const {
    const auto clusters = (file.size + cluster_size_ - 1) / cluster_size_;
    if (clusters == 0) return {};
    const auto numbers = chain(file.first_cluster, clusters_);
    if (numbers.size() < clusters)
        throw Error(fmt::format("cannot read '{}' of the FAT volume '{}': it has fewer clusters than its size needs",
                                file.path, name_));
    Bytes out;
    out.reserve(clusters * cluster_size_);
    for (const auto number : numbers) append(out, cluster(number));
    out.resize(file.size);
    return out;
}

} // namespace ashlar::image

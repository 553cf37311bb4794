#include "fat.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace powercut {

namespace {

constexpr std::size_t entry_size = 32;
constexpr std::uint8_t attribute_label = 0x08, attribute_directory = 0x10, attribute_long_name = 0x0f;
constexpr unsigned deepest = 16;
constexpr std::size_t longest_directory = 65536 * entry_size;

std::uint8_t byte_at(ByteView bytes, std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); }

// The short name's sum, which each piece of its long name repeats.
std::uint8_t sum_of(ByteView entry) {
    std::uint8_t sum = 0;
    for (std::size_t i = 0; i < 11; ++i) sum = static_cast<std::uint8_t>(((sum & 1U) << 7U) + (sum >> 1U) + byte_at(entry, i));
    return sum;
}

std::string part_of_short(ByteView letters, bool lower_case) {
    std::string text;
    for (const std::byte letter : letters) text += static_cast<char>(letter);
    text.erase(text.find_last_not_of(' ') + 1);
    if (lower_case)
        for (char& letter : text)
            if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return text;
}

std::string short_name(ByteView entry) {
    const auto lower = byte_at(entry, 12); // bit 3: the name, bit 4: the extension
    const std::string name = part_of_short(entry.first(8), (lower & 0x08U) != 0);
    const std::string extension = part_of_short(entry.subspan(8, 3), (lower & 0x10U) != 0);
    return extension.empty() ? name : name + '.' + extension;
}

// Collects the pieces of a long name, which stand before its short one, the last piece first.
class LongName {
public:
    void add(ByteView entry) {
        const unsigned number = byte_at(entry, 0) & 0x3fU;
        if ((byte_at(entry, 0) & 0x40U) != 0) {
            missing_ = number + 1;
            sum_ = byte_at(entry, 13);
            text_.clear();
        }
        if (number == 0 || number + 1 != missing_ || byte_at(entry, 13) != sum_) return clear();
        missing_ = number;
        text_.insert(0, letters(entry));
    }
    void clear() {
        missing_ = 0;
        text_.clear();
    }
    // The name of the file whose short entry this is; empty when the pieces are not its.
    std::string take(ByteView entry) {
        std::string name = missing_ == 1 && sum_of(entry) == sum_ ? text_ : "";
        clear();
        return name;
    }

private:
    static std::string letters(ByteView entry) {
        std::string text;
        for (const std::size_t at : {1U, 3U, 5U, 7U, 9U, 14U, 16U, 18U, 20U, 22U, 24U, 28U, 30U}) {
            const auto letter = *little_endian_at<std::uint16_t>(entry, at);
            if (letter == 0 || letter == 0xffff) break;
            text += letter < 128 ? static_cast<char>(letter) : '?';
        }
        return text;
    }
    std::string text_;
    unsigned missing_ = 0; // the number of the piece that came last
    std::uint8_t sum_ = 0;
};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& letter : out)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return out;
}

} // namespace

std::optional<Fat> Fat::read(const Disk& disk, Range range) {
    Fat fat(disk, range);
    if (range.end > disk.sectors() || range.begin >= range.end || !fat.read_parameters()) return std::nullopt;
    FatFile root{.is_directory = true};
    root.clusters = fat.chain(fat.root_, longest_directory, "the root directory");
    fat.list(root, 0);
    fat.find_shared();
    return fat;
}

bool Fat::read_parameters() {
    const Bytes boot = disk_->read(range_.begin * sector_size, sector_size);
    const auto reserved = *little_endian_at<std::uint16_t>(boot, 14);
    const auto tables = byte_at(boot, 16);
    const auto total = *little_endian_at<std::uint32_t>(boot, 32), table_size = *little_endian_at<std::uint32_t>(boot, 36);
    per_cluster_ = byte_at(boot, 13);
    const bool is_fat32 = little_endian_at<std::uint16_t>(boot, 510) == 0xaa55 && little_endian_at<std::uint16_t>(boot, 11) == sector_size &&
                          little_endian_at<std::uint16_t>(boot, 17) == 0 && little_endian_at<std::uint16_t>(boot, 22) == 0;
    const std::uint64_t before = reserved + std::uint64_t{tables} * table_size;
    if (!is_fat32 || per_cluster_ == 0 || table_size == 0 || total <= before || total > range_.end - range_.begin) return false;
    table_ = range_.begin + reserved;
    data_ = range_.begin + before;
    clusters_ = static_cast<std::uint32_t>((total - before) / per_cluster_);
    root_ = *little_endian_at<std::uint32_t>(boot, 44);
    return std::uint64_t{clusters_ + 2} * 4 <= std::uint64_t{table_size} * sector_size;
}

std::uint32_t Fat::next(std::uint32_t cluster) const {
    const std::byte* sector = disk_->sector(table_ + cluster / (sector_size / 4));
    return *little_endian_at<std::uint32_t>(ByteView(sector, sector_size), cluster % (sector_size / 4) * 4) & 0x0fffffffU;
}

std::vector<std::uint32_t> Fat::chain(std::uint32_t first, std::uint64_t longest, const std::string& path) {
    std::vector<std::uint32_t> clusters;
    const std::uint64_t most = longest / (per_cluster_ * sector_size) + 1;
    std::uint32_t cluster = first;
    while (cluster < 0x0ffffff8U) {
        if (!is_cluster(cluster)) {
            faults_.push_back(fmt::format("'{}': its chain leads to cluster {}", path, cluster));
            break;
        }
        clusters.push_back(cluster);
        if (clusters.size() > most) {
            faults_.push_back(fmt::format("'{}': its chain does not end where it should", path));
            break;
        }
        cluster = next(cluster);
    }
    return clusters;
}

void Fat::list(const FatFile& directory, unsigned depth) {
    if (depth > deepest) return;
    LongName long_name;
    const FatFile here = directory; // files_ grows below
    for (const std::uint32_t cluster : here.clusters) {
        const Bytes bytes = disk_->read(first_sector(cluster) * sector_size, per_cluster_ * sector_size);
        for (std::size_t at = 0; at < bytes.size(); at += entry_size) {
            const auto entry = ByteView(bytes).subspan(at, entry_size);
            const auto first = byte_at(entry, 0), attributes = byte_at(entry, 11);
            if (first == 0) return;
            if (first == 0xe5) long_name.clear();
            else if ((attributes & 0x3fU) == attribute_long_name) long_name.add(entry);
            else if ((attributes & attribute_label) != 0 || first == '.') long_name.clear();
            else {
                std::string name = long_name.take(entry);
                if (name.empty()) name = short_name(entry);
                add(here.path.empty() ? name : here.path + '/' + name, entry, depth);
            }
        }
    }
}

void Fat::add(const std::string& path, ByteView entry, unsigned depth) {
    FatFile file{.path = path, .is_directory = (byte_at(entry, 11) & attribute_directory) != 0};
    const auto first = std::uint32_t{*little_endian_at<std::uint16_t>(entry, 20)} << 16U | *little_endian_at<std::uint16_t>(entry, 26);
    file.size = *little_endian_at<std::uint32_t>(entry, 28);
    if (file.is_directory || file.size > 0) file.clusters = chain(first, file.is_directory ? longest_directory : file.size, path);
    else if (first != 0) faults_.push_back(fmt::format("'{}': it is empty and has clusters", path));
    const std::uint64_t needed = round_up(file.size, per_cluster_ * sector_size) / (per_cluster_ * sector_size);
    if (!file.is_directory && file.clusters.size() != needed) {
        faults_.push_back(fmt::format("'{}': {} clusters for {} bytes", path, file.clusters.size(), file.size));
        file.whole = false;
    }
    files_.push_back(file);
    if (file.is_directory) list(file, depth + 1);
}

void Fat::find_shared() {
    std::map<std::uint32_t, std::size_t> owner;
    std::set<std::size_t> sharing;
    for (std::size_t i = 0; i < files_.size(); ++i)
        for (const std::uint32_t cluster : files_[i].clusters) {
            const auto [place, is_new] = owner.emplace(cluster, i);
            if (is_new) continue;
            sharing.insert({i, place->second});
        }
    for (const std::size_t i : sharing) {
        faults_.push_back(fmt::format("'{}': it shares clusters", files_[i].path));
        shared_.push_back(files_[i].path);
    }
}

const FatFile* Fat::find(std::string_view path) const {
    const auto found = std::ranges::find_if(files_, [wanted = lower(path)](const FatFile& file) { return lower(file.path) == wanted; });
    return found == files_.end() ? nullptr : &*found;
}

Bytes Fat::content(const FatFile& file, std::uint64_t most) const {
    Bytes bytes;
    const std::uint64_t wanted = std::min<std::uint64_t>(most, file.size), cluster_size = per_cluster_ * sector_size;
    for (const std::uint32_t cluster : file.clusters) {
        if (bytes.size() >= wanted) break;
        append(bytes, disk_->read(first_sector(cluster) * sector_size, std::min(cluster_size, wanted - bytes.size())));
    }
    return bytes;
}

bool Fat::holds(const FatFile& file, const Content& content, std::uint64_t size) const {
    if (file.size != size || !file.whole || content.empty()) return false;
    const std::uint64_t last = content.size() - 1;
    std::uint64_t index = 0;
    for (const std::uint32_t cluster : file.clusters)
        for (std::uint64_t i = 0; i < per_cluster_ && index < last; ++i, ++index)
            if (disk_->mark(first_sector(cluster) + i) != content[index]) return false;
    // Behind the end of the file a sector may hold anything.
    const std::uint64_t rest = size - last * sector_size;
    Bytes end = disk_->read((first_sector(file.clusters[last / per_cluster_]) + last % per_cluster_) * sector_size, rest);
    return content_of(end).front() == content[last];
}

} // namespace powercut

#include <reset/erasure.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/random.hpp>
#include <base/text.hpp>
#include <signing/bytes.hpp>
#include <signing/extent.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <linux/fs.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::reset {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
// Where the data of a LUKS2 volume begin unless its header says otherwise.
constexpr std::uint64_t usual_luks_header = 16 * mib;
constexpr std::uint64_t edge = 16 * mib;
constexpr unsigned samples = 64;

std::uint64_t size_of(const Fd& file, const fs::path& name) {
    const off_t end = ::lseek(file.get(), 0, SEEK_END);
    if (end < 0) throw system_error("measure", name.native());
    if (static_cast<std::uint64_t>(end) < mib) throw Error(fmt::format("cannot erase '{}': it has only {} bytes", name.native(), end));
    return static_cast<std::uint64_t>(end);
}

void sync(const FileExtent& disk) {
    if (::fsync(disk.fd) != 0) throw system_error("sync", disk.name);
    ::posix_fadvise(disk.fd, 0, 0, POSIX_FADV_DONTNEED);
}

// The same piece again and again over a part.
void fill(const FileExtent& disk, std::uint64_t from, std::uint64_t to, ByteView piece, const std::function<void(std::uint64_t)>& written = {}) {
    for (std::uint64_t at = from; at < to; at += piece.size()) {
        write_at(disk, at, piece.first(std::min<std::uint64_t>(piece.size(), to - at)));
        if (written) written(at - from);
    }
}

[[nodiscard]] bool holds(const FileExtent& disk, std::uint64_t from, std::uint64_t to, ByteView piece) {
    Bytes read(piece.size());
    for (std::uint64_t at = from; at < to; at += piece.size()) {
        const auto part = std::span(read).first(std::min<std::uint64_t>(piece.size(), to - at));
        read_at(disk, at, part);
        if (!std::ranges::equal(part, piece.first(part.size()))) return false;
    }
    return true;
}

void fill_and_check(const FileExtent& disk, std::uint64_t from, std::uint64_t to, ByteView piece) {
    fill(disk, from, to, piece);
    sync(disk);
    if (!holds(disk, from, to, piece))
        throw Error(fmt::format("cannot erase '{}': the disk did not keep what was written over it", disk.name), "the disk is failing or lies about writes: destroy it");
}

// Where the data of the LUKS2 volume begin: the JSON behind the binary header, first segment.
std::optional<std::uint64_t> luks_data_offset(const FileExtent& disk) {
    constexpr std::size_t binary_header = 4096, area = 16384;
    std::string text(area, '\0');
    read_at(disk, 0, std::as_writable_bytes(std::span(text)));
    if (!text.starts_with("LUKS\xba\xbe")) return std::nullopt;
    text.erase(0, binary_header);
    const Json json = Json::parse(text.substr(0, text.find('\0')), nullptr, false);
    const Json::json_pointer place("/segments/0/offset");
    if (!json.is_object() || !json.contains(place) || !json.at(place).is_string()) return std::nullopt;
    const auto digits = json.at(place).get<std::string>();
    std::uint64_t offset = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), offset);
    return failure == std::errc{} && end == digits.data() + digits.size() ? std::optional(offset) : std::nullopt;
}

// Both headers and all key slots lie before the data. What has no header any more was begun before.
void crypto_erase(const FileExtent& disk) {
    Bytes random(mib);
    fill_with_random(random);
    fill_and_check(disk, 0, std::min(disk.size, std::max(usual_luks_header, luks_data_offset(disk).value_or(0))), random);
}

// Nothing when the device took it; otherwise why not.
std::optional<std::string> discard(const FileExtent& disk) {
    std::uint64_t range[] = {0, disk.size};
    if (::ioctl(disk.fd, BLKDISCARD, range) != 0) return std::strerror(errno);
    sync(disk);
    return std::nullopt;
}

bool samples_are_zeros(const FileExtent& disk) {
    constexpr std::uint64_t length = 64 << 10;
    const Bytes zeros(length);
    for (unsigned sample = 0; sample < samples; ++sample) {
        const std::uint64_t at = (disk.size - length) / (samples - 1) * sample;
        if (!holds(disk, at, at + length, zeros)) return false;
    }
    return true;
}

void overwrite_edges(const FileExtent& disk) {
    const Bytes zeros(mib);
    fill_and_check(disk, 0, std::min(disk.size, edge), zeros);
    fill_and_check(disk, disk.size - std::min(disk.size, edge), disk.size, zeros);
}

void overwrite(const FileExtent& disk, const std::function<void(std::string_view)>& say) {
    const Bytes zeros(4 * mib);
    std::uint64_t tenths = 0;
    fill(disk, 0, disk.size, zeros, [&](std::uint64_t written) {
        if (written * 10 / disk.size == tenths) return;
        tenths = written * 10 / disk.size;
        say(fmt::format("overwriting /var: {} of {}", human_bytes(written), human_bytes(disk.size)));
    });
    sync(disk);
    if (!samples_are_zeros(disk))
        throw Error(fmt::format("cannot erase '{}': the disk did not keep what was written over it", disk.name), "the disk is failing or lies about writes: destroy it");
}

} // namespace

std::string_view name_of(Way way) {
    switch (way) {
    case Way::crypto_erase: return "crypto-erase";
    case Way::discard: return "discard";
    case Way::overwrite_edges: return "overwrite-edges";
    case Way::overwrite: return "overwrite";
    }
    return "";
}

Erasure erase(const fs::path& device, Content content, const std::function<void(std::string_view)>& say) {
    // On a block device O_EXCL fails while somebody has it mounted or mapped.
    const Fd file = open_file(device, O_RDWR | (fs::is_block_file(device) ? O_EXCL : 0));
    const FileExtent disk{file.get(), 0, size_of(file, device), device.native()};
    Erasure erasure{.bytes = disk.size, .ways = {}, .no_discard = {}};
    if (content == Content::encrypted) {
        crypto_erase(disk);
        erasure.ways.push_back(Way::crypto_erase);
    }
    if (auto fault = discard(disk)) erasure.no_discard = std::move(*fault);
    else erasure.ways.push_back(Way::discard);
    const bool discarded = erasure.no_discard.empty();
    if (content == Content::encrypted && !discarded) {
        overwrite_edges(disk);
        erasure.ways.push_back(Way::overwrite_edges);
    }
    if (content == Content::plain && !(discarded && samples_are_zeros(disk))) {
        overwrite(disk, say);
        erasure.ways.push_back(Way::overwrite);
    }
    return erasure;
}

} // namespace ashlar::reset

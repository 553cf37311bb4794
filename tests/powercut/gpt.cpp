#include "gpt.hpp"

#include <algorithm>

namespace powercut {

namespace {

constexpr std::uint64_t entry_size = 128;

// CRC-32 of ISO 3309, as the UEFI specification wants it.
std::uint32_t crc(ByteView bytes) {
    std::uint32_t sum = 0xffffffff;
    for (const std::byte byte : bytes) {
        sum ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) sum = sum >> 1U ^ ((sum & 1U) != 0 ? 0xedb88320U : 0U);
    }
    return ~sum;
}

Guid guid_at(ByteView bytes, std::size_t at) {
    Guid::Bytes raw{};
    std::ranges::copy(bytes.subspan(at, Guid::size), raw.begin());
    return Guid::from_efi_bytes(raw);
}

bool is_protective(const Disk& disk) {
    const Bytes mbr = disk.read(0, sector_size);
    if (little_endian_at<std::uint16_t>(mbr, 510) != 0xaa55) return false;
    for (std::size_t record = 446; record < 510; record += 16)
        if (mbr[record + 4] == std::byte{0xee} && little_endian_at<std::uint32_t>(mbr, record + 8) == 1) return true;
    return false;
}

Partition partition(ByteView entry, std::size_t number) {
    Partition partition{.number = number, .type = guid_at(entry, 0), .id = guid_at(entry, 16), .label = {}, .range = {}};
    partition.range = {*little_endian_at<std::uint64_t>(entry, 32), *little_endian_at<std::uint64_t>(entry, 40) + 1};
    for (std::size_t at = 56; at + 1 < entry_size; at += 2) {
        const auto letter = *little_endian_at<std::uint16_t>(entry, at);
        if (letter == 0) break;
        partition.label += letter < 128 ? static_cast<char>(letter) : '?';
    }
    return partition;
}

bool is_used(ByteView entry) {
    return std::ranges::any_of(entry.first(Guid::size), [](std::byte byte) { return byte != std::byte{0}; });
}

// The entries of the table whose header is in `place`, as bytes; nothing when header or entries are not whole.
std::optional<Bytes> entries(const Disk& disk, std::uint64_t place) {
    Bytes header = disk.read(place * sector_size, sector_size);
    const auto size = *little_endian_at<std::uint32_t>(header, 12);
    if (!text_of(header).starts_with("EFI PART") || size < 92 || size > sector_size) return std::nullopt;
    const auto expected = *little_endian_at<std::uint32_t>(header, 16);
    put_little_endian(std::span(header), 16, std::uint32_t{0});
    if (crc(ByteView(header).first(size)) != expected || little_endian_at<std::uint64_t>(header, 24) != place) return std::nullopt;
    const auto first = *little_endian_at<std::uint64_t>(header, 72);
    const auto count = *little_endian_at<std::uint32_t>(header, 80);
    if (little_endian_at<std::uint32_t>(header, 84) != entry_size || count > 1024) return std::nullopt;
    if (first >= disk.sectors() || disk.sectors() - first < count * entry_size / sector_size) return std::nullopt;
    Bytes table = disk.read(first * sector_size, count * entry_size);
    if (crc(table) != little_endian_at<std::uint32_t>(header, 88)) return std::nullopt;
    return table;
}

} // namespace

const Partition* Table::of_type(const Guid& type) const {
    const auto found = std::ranges::find(partitions, type, &Partition::type);
    return found == partitions.end() ? nullptr : &*found;
}

const Partition* Table::with_id(const Guid& id) const {
    const auto found = std::ranges::find(partitions, id, &Partition::id);
    return found == partitions.end() ? nullptr : &*found;
}

std::optional<Table> read_table(const Disk& disk) {
    if (!is_protective(disk)) return std::nullopt;
    const auto primary = entries(disk, 1), backup = entries(disk, disk.sectors() - 1);
    if (!primary && !backup) return std::nullopt;
    Table table{.copy = primary ? Table::Copy::primary : Table::Copy::backup, .both = primary == backup, .partitions = {}};
    const Bytes& bytes = primary ? *primary : *backup;
    for (std::size_t at = 0; at < bytes.size(); at += entry_size)
        if (const auto entry = ByteView(bytes).subspan(at, entry_size); is_used(entry))
            table.partitions.push_back(partition(entry, at / entry_size + 1));
    return table;
}

} // namespace powercut

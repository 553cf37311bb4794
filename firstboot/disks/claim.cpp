#include <disks/claim.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/bytes.hpp>
#include <signing/extent.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>

namespace ashlar::disks {

namespace fs = std::filesystem;

namespace {

// Behind the table and before the first partition, also where sectors have 4096 bytes.
constexpr std::uint64_t place = 524288;
// The mark lies in one sector: it is there or it is not.
constexpr std::string_view magic = "ASHLINST";
constexpr std::size_t mark_size = 12;
constexpr std::size_t block_size = 4096;
constexpr std::uint64_t edge = 1U << 20U;

FileExtent whole(const Fd& file, const fs::path& name) { return {file.get(), 0, 0, name.native()}; }

void sync(const Fd& file, const fs::path& name) {
    if (::fsync(file.get()) != 0) throw system_error("sync", name.native());
}

void write_block(const fs::path& device, std::string_view beginning) {
    std::string block(beginning);
    block.resize(block_size);
    const Fd file = open_file(device, O_WRONLY);
    write_at(whole(file, device), place, bytes_of(block));
    sync(file, device);
}

} // namespace

void claim(const fs::path& device, Claim what) {
    Bytes mark;
    append(mark, magic);
    append_little_endian(mark, static_cast<std::uint32_t>(what));
    write_block(device, text_of(mark));
}

void release(const fs::path& device) { write_block(device, {}); }

void erase_table(const fs::path& device) {
    const Fd file = open_file(device, O_WRONLY);
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    if (size < 0) throw system_error("measure", device.native());
    const auto end = static_cast<std::uint64_t>(size);
    constexpr std::uint64_t behind = place + block_size;
    if (end < 2 * edge) throw Error("cannot erase the table of '" + device.native() + "': the disk is smaller than 2 MiB");
    const Bytes zeros(edge);
    const ByteView nothing = zeros;
    const FileExtent disk = whole(file, device);
    write_at(disk, 0, nothing.first(place));
    write_at(disk, behind, nothing.first(edge - behind));
    write_at(disk, end - edge, nothing);
    sync(file, device);
}

std::optional<Claim> claim_on(const fs::path& device) {
    std::array<char, mark_size> have{};
    const Fd file = open_file(device, O_RDONLY);
    const auto got = ::pread(file.get(), have.data(), have.size(), static_cast<off_t>(place));
    if (got < 0) throw system_error("read", device.native());
    const std::string_view mark(have.data(), static_cast<std::size_t>(got));
    const auto what = little_endian_at<std::uint32_t>(bytes_of(mark), magic.size());
    for (const Claim claim : {Claim::whole_disk, Claim::in_place})
        if (mark.starts_with(magic) && what == static_cast<std::uint32_t>(claim)) return claim;
    return std::nullopt;
}

} // namespace ashlar::disks

#include <disks/claim.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <signing/bytes.hpp>

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
constexpr off_t place = 524288;
// The mark lies in one sector: it is there or it is not.
constexpr std::string_view magic = "ASHLINST";
constexpr std::size_t mark_size = 12;
constexpr std::size_t block_size = 4096;
constexpr off_t edge = 1 << 20;

void write_at(const Fd& file, off_t offset, std::string_view bytes, const fs::path& name) {
    if (::lseek(file.get(), offset, SEEK_SET) < 0) throw system_error("write", name.native());
    write_all(file.get(), bytes, name.native());
}

void sync(const Fd& file, const fs::path& name) {
    if (::fsync(file.get()) != 0) throw system_error("sync", name.native());
}

void write_block(const fs::path& device, std::string_view beginning) {
    std::string block(beginning);
    block.resize(block_size);
    const Fd file = open_file(device, O_WRONLY);
    write_at(file, place, block, device);
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
    const off_t end = ::lseek(file.get(), 0, SEEK_END), behind = place + static_cast<off_t>(block_size);
    if (end < 2 * edge) throw Error("cannot erase the table of '" + device.native() + "': the disk is smaller than 2 MiB");
    write_at(file, 0, std::string(static_cast<std::size_t>(place), '\0'), device);
    write_at(file, behind, std::string(static_cast<std::size_t>(edge - behind), '\0'), device);
    write_at(file, end - edge, std::string(static_cast<std::size_t>(edge), '\0'), device);
    sync(file, device);
}

std::optional<Claim> claim_on(const fs::path& device) {
    std::array<char, mark_size> have{};
    const Fd file = open_file(device, O_RDONLY);
    const auto got = ::pread(file.get(), have.data(), have.size(), place);
    if (got < 0) throw system_error("read", device.native());
    const std::string_view mark(have.data(), static_cast<std::size_t>(got));
    const auto what = little_endian_at<std::uint32_t>(bytes_of(mark), magic.size());
    for (const Claim claim : {Claim::whole_disk, Claim::in_place})
        if (mark.starts_with(magic) && what == static_cast<std::uint32_t>(claim)) return claim;
    return std::nullopt;
}

} // namespace ashlar::disks

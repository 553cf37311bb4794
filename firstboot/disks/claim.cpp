#include <disks/claim.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace ashlar::disks {

namespace fs = std::filesystem;

namespace {

// Behind the table and before the first partition, also where sectors have 4096 bytes.
constexpr off_t place = 524288;
// The magic lies in one sector: it is there or it is not.
constexpr std::string_view magic{"ASHLINST\1\0\0\0", 12};
using Block = std::array<char, 4096>;

void write_block(const fs::path& device, std::string_view beginning) {
    Block block{};
    beginning.copy(block.data(), beginning.size());
    const Fd file = open_file(device, O_WRONLY);
    if (::lseek(file.get(), place, SEEK_SET) < 0) throw system_error("write", device.native());
    write_all(file.get(), std::string_view(block.data(), block.size()), device.native());
    if (::fsync(file.get()) != 0) throw system_error("sync", device.native());
}

} // namespace

void claim(const fs::path& device) { write_block(device, magic); }
void release(const fs::path& device) { write_block(device, {}); }

bool is_claimed(const fs::path& device) {
    std::array<char, magic.size()> have{};
    const Fd file = open_file(device, O_RDONLY);
    const auto got = ::pread(file.get(), have.data(), have.size(), place);
    if (got < 0) throw system_error("read", device.native());
    return std::string_view(have.data(), static_cast<std::size_t>(got)) == magic;
}

} // namespace ashlar::disks

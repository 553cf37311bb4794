#include <signing/extent.hpp>

#include <base/error.hpp>

#include <cerrno>
#include <fmt/format.h>
#include <unistd.h>

namespace ashlar {

void read_at(const FileExtent& from, std::uint64_t offset, std::span<std::byte> buffer) {
    while (!buffer.empty()) {
        const ssize_t got = ::pread(from.fd, buffer.data(), buffer.size(), static_cast<off_t>(from.offset + offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw system_error("read", from.name);
        if (got == 0) throw Error(fmt::format("cannot read '{}': it ends at byte {}", from.name, from.offset + offset));
        offset += static_cast<std::uint64_t>(got);
        buffer = buffer.subspan(static_cast<std::size_t>(got));
    }
}

void write_at(const FileExtent& to, std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::pwrite(to.fd, bytes.data(), bytes.size(), static_cast<off_t>(to.offset + offset));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw system_error("write", to.name);
        offset += static_cast<std::uint64_t>(put);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
}

} // namespace ashlar

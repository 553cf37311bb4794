#include <archive/cpio.hpp>

#include "new_file.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <limits>
#include <sys/stat.h>

#include <fmt/format.h>

namespace ashlar::archive {

namespace fs = std::filesystem;

namespace {

unsigned type_bits(TarType type) {
    switch (type) {
    case TarType::file:
    case TarType::hard_link: return S_IFREG;
    case TarType::directory: return S_IFDIR;
    case TarType::symlink: return S_IFLNK;
    case TarType::character_device: return S_IFCHR;
    case TarType::block_device: return S_IFBLK;
    case TarType::fifo: return S_IFIFO;
    }
    return 0;
}

void require_room(const TarEntry& entry, std::uint64_t size) {
    const auto refuse = [&](std::string_view what) {
        return Error(fmt::format("cannot pack '{}': a cpio archive has no room for {}", entry.path, what));
    };
    constexpr std::uint64_t limit = std::numeric_limits<std::uint32_t>::max();
    if (!entry.xattrs.empty()) throw refuse(fmt::format("the attribute '{}'", entry.xattrs.begin()->first));
    if (size > limit) throw refuse("a file of 4 GiB or more");
    if (entry.mtime < 0 || static_cast<std::uint64_t>(entry.mtime) > limit) throw refuse("its time");
}

std::string_view stored_path(const TarEntry& entry) { return entry.path.empty() ? "." : std::string_view(entry.path); }

std::uint64_t bytes_of(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) throw system_error("read", path.native(), error.value());
    return size;
}

} // namespace

void CpioWriter::pad() { out_.zeros(static_cast<std::size_t>((4 - out_.written() % 4) % 4)); }

std::uint32_t CpioWriter::inode_of(const TarEntry& entry) {
    if (entry.type != TarType::hard_link) {
        if (entry.links > 1) shared_inodes_[entry.path] = next_inode_;
        return next_inode_++;
    }
    const auto first = shared_inodes_.find(entry.target);
    if (first == shared_inodes_.end())
        throw Error(
            fmt::format("cannot pack '{}': '{}', which it links to, was not packed before with its links counted",
                        entry.path, entry.target));
    return first->second;
}

void CpioWriter::header(const TarEntry& entry, std::uint64_t size) {
    require_room(entry, size);
    const std::string_view path = stored_path(entry);
    // The kernel looks for other names of an inode only where the link count says there are some.
    const unsigned links =
        entry.type == TarType::directory ? 2 : std::max(entry.links, entry.type == TarType::hard_link ? 2U : 1U);
    out_.put(fmt::format("070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}",
                         inode_of(entry), type_bits(entry.type) | (entry.mode & 07777U), entry.uid, entry.gid, links,
                         entry.mtime, size, 0, 0, entry.device_major, entry.device_minor, path.size() + 1, 0));
    out_.put(path);
    out_.zeros(1);
    pad();
}

void CpioWriter::add(const TarEntry& entry) {
    if (entry.type == TarType::symlink) return add(entry, std::string_view(entry.target));
    header(entry, 0);
}

void CpioWriter::add_file(const TarEntry& entry, const fs::path& source) {
    header(entry, entry.size);
    out_.copy(source, entry.size);
    pad();
}

void CpioWriter::add(const TarEntry& entry, std::string_view contents) {
    header(entry, contents.size());
    out_.put(contents);
    pad();
}

void CpioWriter::finish() {
    out_.put(fmt::format("070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}", 0, 0,
                         0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0));
    out_.put(std::string_view("TRAILER!!!", 11));
    out_.zeros(static_cast<std::size_t>((512 - out_.written() % 512) % 512));
    out_.flush();
}

void concatenate(std::span<const fs::path> parts, const fs::path& to) {
    NewFile file(to);
    OutputBuffer out(file.fd(), file.name());
    for (const fs::path& part : parts) {
        out.copy(part, bytes_of(part));
        out.zeros(static_cast<std::size_t>((4 - out.written() % 4) % 4));
    }
    out.flush();
    file.finish();
}

void write_microcode(const std::map<std::string, fs::path>& vendors, std::int64_t mtime, const fs::path& to) {
    NewFile file(to);
    CpioWriter cpio(file.fd(), file.name());
    for (const char* directory : {"kernel", "kernel/x86", "kernel/x86/microcode"})
        cpio.add({.path = directory, .type = TarType::directory, .mode = 0755, .mtime = mtime});
    for (const auto& [vendor, source] : vendors)
        cpio.add_file(
            {.path = "kernel/x86/microcode/" + vendor + ".bin", .mode = 0644, .mtime = mtime, .size = bytes_of(source)},
            source);
    cpio.finish();
    file.finish();
}

} // namespace ashlar::archive

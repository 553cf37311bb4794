#pragma once

// What a disk was told, in order: the log that QEMU's driver `blklogwrites` writes, which is the format of
// Linux's dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst). Numbers are little-endian,
// sectors have 512 bytes here.
//
//   sector 0          magic 0x6a736677736872, version 1, number of entries (64 bits each), sector size (32)
//   then each entry   a sector with: first sector, number of sectors, flags, length of the data (64 bits
//                     each); then the data, which a discard does not have
//
// QEMU writes an entry when the disk has answered; the kernel asks for a flush after it has seen the
// answers to what it wants to be kept. So a flush's entry keeps what stands before it. QEMU turns a forced
// write (FUA) into a write and a flush.

#include <base/file.hpp>
#include <signing/bytes.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace powercut {

using namespace ashlar;

inline constexpr std::uint64_t sector_size = 512;

struct Entry {
    enum class Kind { write, discard, flush } kind = Kind::write;
    std::uint64_t sector = 0, count = 0;
    const std::byte* data = nullptr; // count sectors; null for a discard
    [[nodiscard]] std::uint64_t end() const { return sector + count; }
};

// Owns the bytes that its entries point into.
class Log {
public:
    // Error when it is no such log, one that is cut off, or one with forced writes.
    [[nodiscard]] static Log read(const std::filesystem::path& file);
    // Made in memory, as for tests: what follows is added at the end.
    Log() = default;
    void write(std::uint64_t sector, ByteView data); // whole sectors
    void append(const Log& other);
    void flush() { entries_.push_back({.kind = Entry::Kind::flush}); }

    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
    // Another order, or other entries, of the same bytes.
    [[nodiscard]] Log with(std::vector<Entry> entries) const;

private:
    std::vector<Entry> entries_;
    std::vector<std::shared_ptr<const Bytes>> owned_;
    std::shared_ptr<const std::byte> mapped_;
};

} // namespace powercut

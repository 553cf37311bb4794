#pragma once

// Initrds: "newc" cpio archives as the kernel unpacks them
// (Documentation/driver-api/early-userspace/buffer-format.rst). The same entries give the same
// bytes: inode numbers are counted from 1, the device is 0.

#include <archive/tar.hpp>

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace ashlar::archive {

// Entries come out in the order they are added, directories before what is in them: the kernel makes
// no parents. The shape of an entry is tar's. newc has no room for extended attributes, for files of
// 4 GiB or for times before 1970 or after 2106: those are Errors, never silently dropped.
class CpioWriter {
public:
    CpioWriter(int fd, std::string name) : out_(fd, std::move(name)) {}

    // Everything without contents; a hard link names a file added before, with `links` > 1, as its target.
    void add(const TarEntry& entry);
    void add_file(const TarEntry& entry, const std::filesystem::path& source);
    void add(const TarEntry& entry, std::string_view contents);
    // The trailer, padded to 512 bytes.
    void finish();

private:
    std::uint32_t inode_of(const TarEntry& entry);
    void header(const TarEntry& entry, std::uint64_t size);
    void pad();

    OutputBuffer out_;
    std::uint32_t next_inode_ = 1;
    std::map<std::string, std::uint32_t> shared_inodes_;
};

// Writes `parts` one after another into the new file `to`, each padded with zeros to four bytes: an
// initrd may be several archives, uncompressed ones (microcode) first.
void concatenate(std::span<const std::filesystem::path> parts, const std::filesystem::path& to);

// An uncompressed archive with `kernel/x86/microcode/<vendor>.bin`, which the kernel reads before
// anything else. Keys: "GenuineIntel", "AuthenticAMD"; value: the file. Written to the new file `to`.
void write_microcode(const std::map<std::string, std::filesystem::path>& vendors, std::int64_t mtime,
                     const std::filesystem::path& to);

} // namespace ashlar::archive

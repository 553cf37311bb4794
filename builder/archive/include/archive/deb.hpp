#pragma once

// Binary packages, deb(5): an ar(1) archive of `debian-binary`, `control.tar*` and `data.tar*`.
//
// A package is foreign input. Whatever it says, reading it gives a well-formed description or an
// Error `cannot read '<package>': …`; nothing here touches a file system.

#include <base/file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

namespace ashlar::archive {

// A file of control.tar, e.g. "control", "postinst", "md5sums".
struct ControlMember {
    std::string text;
    unsigned mode = 0644; // permission bits
};

enum class DebEntryType { file, directory, symlink, hard_link };

struct DebEntry {
    // Relative to the root, no "./", no trailing slash; "" is the root itself. No component is empty,
    // "." or "..", none is longer than 255 bytes, and there is no newline in it.
    std::string path;
    DebEntryType type = DebEntryType::file;
    unsigned mode = 0; // permission bits with set-uid, set-gid, sticky
    std::uint32_t uid = 0, gid = 0;
    std::int64_t mtime = 0;
    std::uint64_t size = 0; // files; 0 for everything else
    // Symlinks: as it is, never empty. Hard links: a path of the same form as `path`.
    std::string target;
    std::map<std::string, std::string> xattrs;
};

class DataVisitor {
public:
    virtual ~DataVisitor() = default;
    // In the order of the archive.
    virtual void entry(const DebEntry& entry) = 0;
    // The contents of the file announced last, from its beginning to exactly entry.size bytes.
    virtual void contents(std::span<const std::byte> bytes) = 0;
};

class Deb {
public:
    // Reads the table of members and all of control.tar.
    explicit Deb(const std::filesystem::path& path);
    Deb(Fd file, std::string name);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    // By name, without "./". "control" is there.
    [[nodiscard]] const std::map<std::string, ControlMember>& control() const noexcept { return control_; }

    // Streams data.tar. Refused: devices, FIFOs, sockets, sparse files, more than `limit` bytes or two
    // million entries. May be called again.
    void read_data(DataVisitor& visitor, std::uint64_t limit = std::uint64_t{16} << 30) const;

private:
    struct Member {
        std::uint64_t offset = 0, size = 0;
    };
    void read_members();
    void read_control();

    Fd file_;
    std::string name_;
    Member control_member_, data_member_;
    std::map<std::string, ControlMember> control_;
};

} // namespace ashlar::archive

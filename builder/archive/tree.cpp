#include <archive/tree.hpp>

#include "new_file.hpp"
#include "reader.hpp"

#include <archive/compression.hpp>
#include <archive/tar.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <map>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <utility>

#include <fmt/format.h>

namespace ashlar::archive {

namespace fs = std::filesystem;

namespace {

constexpr int level = 3; // what is made again in minutes is not worth more

std::string attribute(const fs::path& path, const std::string& name) {
    std::string value(65536, '\0'); // the most that the kernel has (XATTR_SIZE_MAX)
    const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (size < 0) throw system_error("read", path.native());
    value.resize(static_cast<std::size_t>(size));
    return value;
}

// Those that make up a root; a machine's own labels (security.selinux) are not part of what was made.
std::map<std::string, std::string> attributes(const fs::path& path) {
    std::string names(65536, '\0'); // XATTR_LIST_MAX
    const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
    if (size < 0 && errno != ENOTSUP) throw system_error("read", path.native());
    names.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    std::map<std::string, std::string> found;
    for (const auto name : split(names, '\0'))
        if (name == "security.capability" || name.starts_with("user."))
            found.emplace(name, attribute(path, std::string(name)));
    return found;
}

TarType type_of(const struct stat& info, const fs::path& path) {
    switch (info.st_mode & S_IFMT) {
    case S_IFREG: return TarType::file;
    case S_IFDIR: return TarType::directory;
    case S_IFLNK: return TarType::symlink;
    case S_IFCHR: return TarType::character_device;
    case S_IFBLK: return TarType::block_device;
    case S_IFIFO: return TarType::fifo;
    default: throw Error(fmt::format("cannot pack '{}': it is neither file, directory, link nor device", path.native()));
    }
}

class Packer {
public:
    Packer(fs::path top, int fd, std::string name) : top_(std::move(top)), tar_(fd, std::move(name)) {}

    void pack() {
        pack_below({});
        tar_.finish();
    }

private:
    void pack_below(const std::string& inner) {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(top_ / inner)) names.push_back(entry.path().filename());
        std::sort(names.begin(), names.end());
        for (const auto& name : names) pack_one(inner.empty() ? name : inner + "/" + name);
    }

    void pack_one(const std::string& inner) {
        const fs::path path = top_ / inner;
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0) throw system_error("read", path.native());
        const TarEntry entry = describe(inner, path, info);
        if (entry.type == TarType::file) {
            tar_.add_file(entry, path);
        } else {
            tar_.add(entry);
        }
        if (entry.type == TarType::directory) pack_below(inner);
    }

    TarEntry describe(const std::string& inner, const fs::path& path, const struct stat& info) {
        TarEntry entry{.path = inner, .type = type_of(info, path), .mode = info.st_mode & 07777U, .uid = info.st_uid, .gid = info.st_gid, .mtime = info.st_mtime};
        if (entry.type != TarType::directory && info.st_nlink > 1) {
            const auto [first, fresh] = first_names_.try_emplace({info.st_dev, info.st_ino}, inner);
            if (!fresh) {
                entry.type = TarType::hard_link;
                entry.target = first->second;
                return entry;
            }
        }
        entry.xattrs = attributes(path);
        if (entry.type == TarType::file) entry.size = static_cast<std::uint64_t>(info.st_size);
        if (entry.type == TarType::symlink) entry.target = fs::read_symlink(path).native();
        entry.device_major = major(info.st_rdev);
        entry.device_minor = minor(info.st_rdev);
        return entry;
    }

    fs::path top_;
    TarWriter tar_;
    std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
};

struct FreeWriter {
    void operator()(struct ::archive* writer) const noexcept { ::archive_write_free(writer); }
};
using DiskWriter = std::unique_ptr<struct ::archive, FreeWriter>;

DiskWriter make_disk_writer() {
    DiskWriter writer(::archive_write_disk_new());
    if (!writer) throw Error("cannot start 'libarchive': out of memory");
    ::archive_write_disk_set_options(writer.get(),
                                     ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |
                                         ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_NO_OVERWRITE);
    return writer;
}

class Unpacker {
public:
    Unpacker(const fs::path& file, fs::path top, std::uint64_t limit)
        : name_(file.native()), top_(std::move(top)), left_(limit), reader_(make_reader()), writer_(make_disk_writer()) {
        ::archive_read_support_format_tar(reader_.get());
        if (::archive_read_open_filename(reader_.get(), file.c_str(), 1 << 20) != ARCHIVE_OK) fail(reader_.get(), "read", name_);
    }

    void unpack() {
        struct ::archive_entry* entry = nullptr;
        for (int outcome = 0; (outcome = ::archive_read_next_header(reader_.get(), &entry)) != ARCHIVE_EOF;) {
            if (outcome != ARCHIVE_OK) fail(reader_.get(), "read", name_);
            take(entry);
        }
        check(::archive_write_close(writer_.get())); // times of directories come last
    }

private:
    // Below `top_`, also what a hard link names; symbolic links on the way are SECURE_SYMLINKS' business.
    [[nodiscard]] std::string placed(const char* inner) const {
        const std::string path = inner == nullptr ? std::string() : inner;
        const auto parts = split(path, '/');
        if (path.empty() || path.front() == '/' || std::ranges::find(parts, "..") != parts.end())
            throw Error(fmt::format("cannot unpack '{}': an entry is named '{}'", name_, path));
        return (top_ / path).native();
    }

    void take(struct ::archive_entry* entry) {
        ::archive_entry_copy_pathname(entry, placed(::archive_entry_pathname(entry)).c_str());
        if (const char* target = ::archive_entry_hardlink(entry)) ::archive_entry_copy_hardlink(entry, placed(target).c_str());
        check(::archive_write_header(writer_.get(), entry));
        if (::archive_entry_hardlink(entry) == nullptr) copy_contents();
        check(::archive_write_finish_entry(writer_.get()));
    }

    void copy_contents() {
        const void* bytes = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        for (int outcome = 0; (outcome = ::archive_read_data_block(reader_.get(), &bytes, &size, &offset)) != ARCHIVE_EOF;) {
            if (outcome != ARCHIVE_OK) fail(reader_.get(), "read", name_);
            if (size > left_) throw Error(fmt::format("cannot unpack '{}': it has more than it may have", name_));
            left_ -= size;
            if (::archive_write_data_block(writer_.get(), bytes, size, offset) < 0) fail(writer_.get(), "unpack", name_);
        }
    }

    void check(int outcome) {
        if (outcome != ARCHIVE_OK) fail(writer_.get(), "unpack", name_);
    }

    std::string name_;
    fs::path top_;
    std::uint64_t left_;
    Reader reader_;
    DiskWriter writer_;
};

} // namespace

void pack_tree(const fs::path& directory, const fs::path& to) {
    const fs::path plain = to.native() + ".tar";
    try {
        NewFile file(plain);
        Packer(directory, file.fd(), file.name()).pack();
        file.finish();
        compress_zstd(plain, to, level);
    } catch (...) {
        std::error_code ignored;
        fs::remove(plain, ignored);
        throw;
    }
    fs::remove(plain);
}

void unpack_tree(const fs::path& file, const fs::path& directory, std::uint64_t limit) {
    // SECURE_SYMLINKS refuses links on the way, also those above `directory` that are ours.
    Unpacker(file, fs::canonical(directory), limit).unpack();
}

} // namespace ashlar::archive

#include "disk.hpp"

#include <base/error.hpp>

#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace ashlar::bundle {

namespace fs = std::filesystem;

void Disk::make_directory(const fs::path& directory) const {
    if (directory.empty() || fs::is_directory(directory)) return;
    make_directory(directory.parent_path());
    tell("make", directory);
    std::error_code error;
    fs::create_directory(directory, error); // another thread may have been faster
    if (error) throw system_error("make", directory.native(), error.value());
    sync_directory(directory.has_parent_path() ? directory.parent_path() : fs::path("."));
}

Fd Disk::create(const fs::path& file) const {
    tell("create", file);
    return open_file(file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

void Disk::write(const Fd& to, ByteView bytes, const fs::path& file) const {
    tell("write", file);
    write_all(to.get(), bytes, file.native());
}

void Disk::sync(const Fd& file, const fs::path& path) const {
    tell("sync", path);
    if (::fsync(file.get()) != 0) throw system_error("sync", path.native());
}

void Disk::sync_directory(const fs::path& directory) const {
    const Fd fd = open_file(directory, O_RDONLY | O_DIRECTORY);
    sync(fd, directory);
}

void Disk::rename(const fs::path& from, const fs::path& to) const {
    tell("rename", to);
    if (::rename(from.c_str(), to.c_str()) != 0) throw system_error("rename", to.native());
}

void Disk::link(const fs::path& from, const fs::path& to) const {
    tell("link", to);
    std::error_code error;
    fs::create_hard_link(from, to, error);
    if (!error) return;
    error.clear();
    fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
    if (error) throw system_error("copy", from.native(), error.value());
    const Fd copy = open_file(to, O_RDONLY);
    sync(copy, to);
}

void Disk::remove(const fs::path& path) const {
    if (!fs::exists(fs::symlink_status(path))) return;
    tell("remove", path);
    remove_tree(path);
}

} // namespace ashlar::bundle

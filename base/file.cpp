#include <base/file.hpp>

#include <base/error.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace ashlar {

namespace fs = std::filesystem;

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

Fd::~Fd() {
    if (fd_ >= 0) ::close(fd_);
}

void Fd::close() {
    if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0) throw system_error("close", "file descriptor");
}

Fd open_file(const fs::path& path, int flags, unsigned mode) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
    if (fd < 0) throw system_error((flags & O_CREAT) != 0 ? "create" : "open", path.native());
    return Fd(fd);
}

std::size_t read_some(int fd, std::span<std::byte> buffer, std::string_view name) {
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) throw system_error("read", name);
    }
}

void write_all(int fd, std::span<const std::byte> bytes, std::string_view name) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw system_error("write", name);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
}

void write_all(int fd, std::string_view text, std::string_view name) {
    write_all(fd, std::as_bytes(std::span(text.data(), text.size())), name);
}

std::string read_file(const fs::path& path) {
    const Fd fd = open_file(path, O_RDONLY);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("read", path.native());
    if (S_ISDIR(info.st_mode)) throw system_error("read", path.native(), EISDIR);
    std::string contents;
    contents.reserve(static_cast<std::size_t>(info.st_size));
    std::array<std::byte, 65536> buffer;
    while (const std::size_t got = read_some(fd.get(), buffer, path.native()))
        contents.append(reinterpret_cast<const char*>(buffer.data()), got);
    return contents;
}

namespace {

void sync_directory(const fs::path& directory) {
    const Fd fd = open_file(directory, O_RDONLY | O_DIRECTORY);
    if (::fsync(fd.get()) != 0) throw system_error("sync", directory.native());
}

} // namespace

void write_file(const fs::path& path, std::string_view contents, unsigned mode, Durability durability) {
    write_file(path, [&](const Fd& file) { write_all(file.get(), contents, path.native()); }, mode, durability);
}

void write_file(const fs::path& path, const std::function<void(const Fd&)>& body, unsigned mode, Durability durability) {
    const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
    std::string pattern = (parent / ("." + path.filename().string() + ".XXXXXX")).string();
    Fd fd(::mkostemp(pattern.data(), O_CLOEXEC));
    if (!fd) throw system_error("create", path.native());
    try {
        body(fd);
        if (::fchmod(fd.get(), static_cast<mode_t>(mode)) != 0) throw system_error("write", path.native());
        if (durability == Durability::synced && ::fsync(fd.get()) != 0) throw system_error("sync", path.native());
        fd.close();
        if (::rename(pattern.c_str(), path.c_str()) != 0) throw system_error("rename", path.native());
    } catch (...) {
        ::unlink(pattern.c_str());
        throw;
    }
    if (durability == Durability::synced) sync_directory(parent);
}

TemporaryDirectory::TemporaryDirectory(const fs::path& parent, std::string_view prefix) {
    std::string pattern = (parent / (std::string(prefix) + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) throw system_error("create", pattern);
    path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
    if (path_.empty()) return;
    try {
        remove_tree(path_);
    } catch (const Error&) {
        // What stays is a directory with a temporary name; the next run sweeps those.
    }
}

void remove_tree(const fs::path& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (!error) return;
    // A directory without write permission keeps an ordinary user from emptying it.
    for (auto entry = fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error);
         !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
        if (entry->is_directory() && !entry->is_symlink())
            fs::permissions(entry->path(), fs::perms::owner_all, fs::perm_options::add, error);
    error.clear();
    fs::remove_all(path, error);
    if (error) throw system_error("remove", path.native(), error.value());
}

} // namespace ashlar

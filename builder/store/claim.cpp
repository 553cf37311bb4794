#include <store/claim.hpp>

#include <base/error.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ashlar::store {

namespace fs = std::filesystem;

namespace {

// False when another holds it.
bool lock(int fd, int operation, const fs::path& path) {
    while (::flock(fd, operation) != 0) {
        if (errno == EWOULDBLOCK) return false;
        if (errno != EINTR) throw system_error("lock", path.native());
    }
    return true;
}

// The file may have been removed or replaced between open and flock: then the lock is on a ghost.
bool is_still(int fd, const fs::path& path) {
    struct stat held {
    }, named{};
    if (::fstat(fd, &held) != 0) throw system_error("read", path.native());
    if (::stat(path.c_str(), &named) != 0) return false;
    return held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

} // namespace

Claim::Claim(Fd fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

Claim Claim::wait(const fs::path& path) {
    for (;;) {
        Fd fd = open_file(path, O_RDWR | O_CREAT, 0644);
        if (lock(fd.get(), LOCK_EX, path) && is_still(fd.get(), path)) return {std::move(fd), path};
    }
}

std::optional<Claim> Claim::try_take(const fs::path& path) {
    for (;;) {
        Fd fd = open_file(path, O_RDWR | O_CREAT, 0644);
        if (!lock(fd.get(), LOCK_EX | LOCK_NB, path)) return std::nullopt;
        if (is_still(fd.get(), path)) return Claim(std::move(fd), path);
    }
}

void Claim::remove_file() noexcept { ::unlink(path_.c_str()); }

} // namespace ashlar::store

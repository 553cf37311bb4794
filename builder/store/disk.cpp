#include <store/store.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <fmt/format.h>

namespace ashlar::store {

namespace fs = std::filesystem;

namespace {

std::optional<dev_t> device_of(const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return std::nullopt;
    return info.st_dev;
}

fs::path nearest_existing(fs::path path) {
    while (!device_of(path) && path.has_relative_path()) path = path.parent_path();
    return path;
}

fs::path mount_point(fs::path path) {
    const auto device = device_of(path);
    while (path.has_relative_path() && device_of(path.parent_path()) == device) path = path.parent_path();
    return path;
}

bool says(const Error& error, int error_number) {
    return error.message().find(std::strerror(error_number)) != std::string::npos;
}

std::string advice(const fs::path& path) {
    const fs::path existing = nearest_existing(path);
    struct statvfs info {};
    if (::statvfs(existing.c_str(), &info) != 0) return "make room, or set ASHLAR_STORE to a larger disk";
    const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
    return fmt::format("the file system at '{}' has {} and {} files free; make room there, or set ASHLAR_STORE "
                       "to a directory on a larger one",
                       mount_point(existing).native(), human_bytes(free), info.f_favail);
}

} // namespace

// The number of the system's error is gone when an Error arrives here; its text is not, and
// strerror() gives the same text in this process.
void explaining_full_disk(const fs::path& path, const std::function<void()>& body) {
    try {
        body();
    } catch (Error& error) {
        if (says(error, ENOSPC) || says(error, EDQUOT)) error.add_hint(advice(path));
        throw;
    }
}

} // namespace ashlar::store

#include "attributes.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ashlar::root {

namespace {

std::optional<std::uint32_t> find_id(const std::filesystem::path& file, std::string_view name) {
    if (!std::filesystem::exists(file)) return std::nullopt;
    const std::string text = read_file(file);
    for (const auto line : split(text, '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 3 || fields[0] != name) continue;
        std::uint32_t id = 0;
        std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), id);
        return id;
    }
    return std::nullopt;
}

} // namespace

std::optional<Owner> find_owner(const std::filesystem::path& root, std::string_view names) {
    const auto parts = split(names, ':');
    if (parts.size() != 2) return std::nullopt;
    const auto uid = find_id(root / "etc/passwd", parts[0]), gid = find_id(root / "etc/group", parts[1]);
    if (!uid || !gid) return std::nullopt;
    return Owner{*uid, *gid};
}

void set_owner(const std::filesystem::path& path, const Owner& owner) {
    if (::lchown(path.c_str(), owner.uid, owner.gid) != 0) throw system_error("set the owner of", path.native());
}

void set_mode(const std::filesystem::path& path, unsigned mode) {
    if (::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) throw system_error("set the mode of", path.native());
}

void set_time(const std::filesystem::path& path, std::int64_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) throw system_error("set the time of", path.native());
}

} // namespace ashlar::root

#include <tuf/updater.hpp>

#include <base/file.hpp>

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::tuf {

namespace fs = std::filesystem;

namespace {

bool stands_for_itself(char c) {
    constexpr std::string_view marks = "-._~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.find(c) != marks.npos;
}

std::string quoted(std::string_view role) {
    std::string text;
    for (const char c : role)
        if (stands_for_itself(c)) text += c;
        else text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return text;
}

// Nothing when there is none.
std::optional<Fd> open_if_there(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) return Fd(fd);
    if (errno == ENOENT) return std::nullopt;
    throw system_error("open", path.native());
}

void require_file(const Fd& fd, const fs::path& path) {
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("read", path.native());
    if (!S_ISREG(info.st_mode)) throw Error(fmt::format("cannot read '{}': it is no file", path.native()));
}

} // namespace

std::string file_name_of(std::string_view role) { return quoted(role) + ".json"; }
std::string file_name_of(std::string_view role, std::uint64_t version) { return fmt::format("{}.{}", version, file_name_of(role)); }

std::optional<std::string> DirectoryRepository::metadata(std::string_view name, std::uint64_t most) {
    const fs::path path = directory_ / name;
    const auto fd = open_if_there(path);
    if (!fd) return std::nullopt;
    require_file(*fd, path);
    std::string text(static_cast<std::size_t>(most) + 1, '\0');
    std::size_t size = 0;
    const auto buffer = std::as_writable_bytes(std::span(text));
    while (size < text.size()) {
        const std::size_t got = read_some(fd->get(), buffer.subspan(size), path.native());
        if (got == 0) break;
        size += got;
    }
    if (size > most) throw MetadataError(Fault::endless, fmt::format("cannot read '{}': it is longer than {} bytes", path.native(), most), "is it release metadata?");
    text.resize(size);
    return text;
}

fs::path DirectoryStore::file_of(std::string_view role) const { return directory_ / file_name_of(role); }

std::optional<std::string> DirectoryStore::load(std::string_view role) const {
    const fs::path path = file_of(role);
    if (!open_if_there(path)) return std::nullopt;
    return read_file(path);
}

void DirectoryStore::save(std::string_view role, std::string_view text) { write_file(file_of(role), text, 0644, Durability::synced); }

void DirectoryStore::remove(std::string_view role) {
    const fs::path path = file_of(role);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw system_error("remove", path.native());
}

} // namespace ashlar::tuf

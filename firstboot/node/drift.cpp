#include <node/drift.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <signing/digest.hpp>

#include <map>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

// An overlay notes a removed file as a character device 0:0 (kernel, filesystems/overlayfs).
bool is_removal(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0); }

// What makes one file another: kind, owner, mode and content. Of a directory only that it is there: the
// layer has one for each file in it.
std::string description(const fs::path& path) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) throw system_error("look at", path.native());
    if (is_removal(info)) return "removed";
    const std::string owner = fmt::format("{:o} {}:{}", info.st_mode, info.st_uid, info.st_gid);
    if (S_ISREG(info.st_mode)) return fmt::format("{} {}", owner, sha256_of_file(path).hex());
    if (S_ISLNK(info.st_mode)) return fmt::format("{} -> {}", owner, fs::read_symlink(path).native());
    return owner;
}

std::map<std::string, std::string> layer_of(const fs::path& upper) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(upper))
        if (entry.is_symlink() || !entry.is_directory()) files.emplace(entry.path().lexically_relative(upper).native(), description(entry.path()));
    return files;
}

std::map<std::string, std::string> files_in(const fs::path& record) { return parse_json(read_file(record), record.native()).get<std::map<std::string, std::string>>(); }

} // namespace

void record_layer(const fs::path& upper, const fs::path& record) { write_file(record, pretty(Json(layer_of(upper)))); }

void record_file(const std::string& path, const fs::path& upper, const fs::path& record) {
    const fs::path inside = fs::path(path).lexically_relative("/etc");
    if (!fs::exists(record) || !fs::exists(fs::symlink_status(upper / inside))) return;
    auto files = files_in(record);
    files[inside.native()] = description(upper / inside);
    write_file(record, pretty(Json(files)));
}

std::vector<Drift> drift(const fs::path& upper, const fs::path& record) {
    const auto before = files_in(record);
    const auto now = layer_of(upper);
    std::map<std::string, std::string> found;
    for (const auto& [path, what] : now) {
        const auto known = before.find(path);
        if (known == before.end() || known->second != what) found[path] = what == "removed" ? "removed" : known == before.end() ? "added" : "changed";
    }
    // Of a file that was rendered nothing is left, not even a removal: it was only in the layer.
    for (const auto& [path, what] : before)
        if (!now.contains(path)) found[path] = "removed";
    std::vector<Drift> list;
    for (const auto& [path, kind] : found) list.push_back({"/etc/" + path, kind});
    return list;
}

} // namespace ashlar::node

#include "walk.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <memory>
#include <string_view>
#include <vector>

namespace ashlar::root {

namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

std::vector<std::string> names_in(const std::filesystem::path& folder) {
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(folder.c_str()));
    if (!directory) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        throw system_error("list", folder.native());
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) throw system_error("list", folder.native());
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace

void walk(const std::filesystem::path& root, const std::string& top,
          const std::function<Descend(const std::string&, const struct stat&)>& visit) {
    for (const auto& name : names_in(root / top)) {
        const std::string path = top.empty() ? name : top + "/" + name;
        struct stat status {};
        if (::lstat((root / path).c_str(), &status) != 0) throw system_error("read", (root / path).native());
        if (visit(path, status) == Descend::yes && S_ISDIR(status.st_mode)) walk(root, path, visit);
    }
}

} // namespace ashlar::root

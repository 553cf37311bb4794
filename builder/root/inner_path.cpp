#include "inner_path.hpp"

#include <base/error.hpp>

#include <cerrno>
#include <deque>

namespace ashlar::root {

namespace fs = std::filesystem;

fs::path inner_path(const fs::path& root, const fs::path& path, LastLink last) {
    constexpr int most_links = 40; // as the kernel's
    int links = 0;
    fs::path here; // relative to the root, without links
    std::deque<fs::path> rest(path.begin(), path.end());
    while (!rest.empty()) {
        const fs::path part = rest.front();
        rest.pop_front();
        if (part.empty() || part == "/" || part == ".") continue;
        if (part == "..") {
            here = here.parent_path();
            continue;
        }
        const bool stop_here = rest.empty() && last == LastLink::kept;
        if (stop_here || !fs::is_symlink(fs::symlink_status(root / here / part))) {
            here /= part;
            continue;
        }
        if (++links > most_links) throw system_error("find", path.native(), ELOOP);
        const fs::path target = fs::read_symlink(root / here / part);
        if (target.is_absolute()) here.clear();
        rest.insert(rest.begin(), target.begin(), target.end());
    }
    return root / here;
}

} // namespace ashlar::root

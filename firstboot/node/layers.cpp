#include "layers.hpp"

#include "accounts.hpp"
#include <node/drift.hpp>
#include <node/mounts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

// /run moves along when the root is switched, and the layer with it.
const fs::path layer = "/run/ashlar/etc";
constexpr const char* kept_below_var = "var/lib/ashlar/state";

struct Entry {
    fs::path path; // inside the root, without the leading slash
    std::string owner;
    mode_t mode;
    bool is_directory;
};

std::vector<Entry> declared(const fs::path& root) {
    const fs::path file = root / "usr/lib/ashlar/state.json";
    std::vector<Entry> entries;
    const Json content = parse_json(read_file(file), file.native());
    for (const auto& entry : content.at("state"))
        entries.push_back({fs::path(entry.at("path").get<std::string>()).relative_path(), entry.at("owner").get<std::string>(),
                           static_cast<mode_t>(std::stoul(entry.at("mode").get<std::string>(), nullptr, 8)), entry.at("type") == "directory"});
    return entries;
}

// A directory is bound from /var. A file becomes a link: whoever makes it makes it there.
void redirect(const fs::path& root, const Entry& entry, const Accounts& accounts) {
    const fs::path place = root / kept_below_var / entry.path, seen = root / entry.path;
    fs::create_directories(place.parent_path());
    if (!entry.is_directory) {
        fs::remove(seen);
        fs::create_directories(seen.parent_path());
        fs::create_symlink(fs::path("/") / kept_below_var / entry.path, seen);
        return;
    }
    if (!fs::exists(place)) {
        fs::create_directory(place);
        const auto [user, group] = accounts.owner(entry.owner);
        if (::chown(place.c_str(), user, group) != 0 || ::chmod(place.c_str(), entry.mode) != 0) throw system_error("give away", place.native());
    }
    fs::create_directories(seen);
    mount(place.native(), seen, "", MS_BIND);
}

} // namespace

void mount_etc(const fs::path& root) {
    const fs::path upper = layer / "upper", work = layer / "work";
    fs::create_directories(upper);
    fs::create_directories(work);
    mount("overlay", root / "etc", "overlay", 0,
          fmt::format("lowerdir={},upperdir={},workdir={}", (root / "etc").native(), upper.native(), work.native()));
}

void redirect_state(const fs::path& root) {
    const Accounts accounts(root);
    for (const auto& entry : declared(root)) redirect(root, entry, accounts);
}

void record_etc() { record_layer(layer / "upper", layer / "record.json"); }

} // namespace ashlar::node

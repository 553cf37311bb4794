#include <root/capture.hpp>

#include "installed.hpp"
#include "walk.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <map>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

EntryType type_of(mode_t mode, const fs::path& path) {
    switch (mode & S_IFMT) {
    case S_IFDIR: return EntryType::directory;
    case S_IFREG: return EntryType::file;
    case S_IFLNK: return EntryType::symlink;
    case S_IFCHR: return EntryType::character_device;
    case S_IFBLK: return EntryType::block_device;
    case S_IFIFO: return EntryType::fifo;
    default: throw Error(fmt::format("cannot record '{}': it is a socket", path.native()), "sockets are made at run time; remove it");
    }
}

// Of the image, as against those of the file system that we stand on.
bool belongs_to_image(std::string_view name) {
    if (name.starts_with("user.overlay.")) return false;
    return name == "security.capability" || name.starts_with("user.") || name.starts_with("system.posix_acl_");
}

std::string attribute(const fs::path& path, const char* name) {
    std::string value(256, '\0');
    for (;;) {
        const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
        if (size >= 0) {
            value.resize(static_cast<std::size_t>(size));
            return value;
        }
        if (errno != ERANGE) throw system_error(fmt::format("read the attribute '{}' of", name), path.native());
        value.resize(value.size() * 4);
    }
}

std::map<std::string, std::string> attributes_of(const fs::path& path) {
    std::string names(1024, '\0');
    ssize_t size = 0;
    while ((size = ::llistxattr(path.c_str(), names.data(), names.size())) < 0) {
        if (errno == ENOTSUP) return {};
        if (errno != ERANGE) throw system_error("list the attributes of", path.native());
        names.resize(names.size() * 4);
    }
    std::map<std::string, std::string> attributes;
    for (const char* name = names.data(); name < names.data() + size; name += std::string_view(name).size() + 1)
        if (belongs_to_image(name)) attributes.emplace(name, attribute(path, name));
    return attributes;
}

class Recorder {
public:
    Recorder(const fs::path& root, std::int64_t epoch) : root_(root), epoch_(epoch) {}

    Tree record() {
        struct stat status {};
        if (::lstat(root_.c_str(), &status) != 0) throw system_error("record", root_.native());
        add("", status);
        walk(root_, "", [&](const std::string& path, const struct stat& found) {
            add(path, found);
            return Descend::yes;
        });
        std::sort(tree_.begin(), tree_.end(), [](const Found& a, const Found& b) { return a.entry.path < b.entry.path; });
        return finish();
    }

private:
    struct Found {
        Entry entry;
        std::pair<dev_t, ino_t> inode; // of files with several names
        bool linked = false;
    };

    void add(const std::string& path, const struct stat& status) {
        const fs::path here = path.empty() ? root_ : root_ / path;
        Entry entry{.path = path,
                    .type = type_of(status.st_mode, here),
                    .mode = status.st_mode & 07777U,
                    .uid = status.st_uid,
                    .gid = status.st_gid,
                    .mtime = std::min<std::int64_t>(status.st_mtime, epoch_)};
        if (entry.type == EntryType::symlink) {
            entry.target = fs::read_symlink(here);
            entry.mode = 0777;
        } else {
            entry.xattrs = attributes_of(here);
        }
        if (entry.type == EntryType::file) {
            entry.size = static_cast<std::uint64_t>(status.st_size);
            entry.source = here;
        }
        if (entry.type == EntryType::character_device || entry.type == EntryType::block_device) {
            entry.device_major = major(status.st_rdev);
            entry.device_minor = minor(status.st_rdev);
        }
        tree_.push_back({std::move(entry), {status.st_dev, status.st_ino}, S_ISREG(status.st_mode) && status.st_nlink > 1});
    }

    Tree finish() {
        const auto owners = has_database(root_) ? read_owners(root_, read_installed(root_)) : std::map<std::string, std::string>();
        std::map<std::pair<dev_t, ino_t>, std::string> first;
        Tree tree;
        tree.reserve(tree_.size());
        for (auto& found : tree_) {
            Entry& entry = found.entry;
            if (found.linked)
                if (const auto [at, is_new] = first.emplace(found.inode, entry.path); !is_new) entry.hard_link = at->second;
            entry.package = owner_of(owners, entry.path);
            tree.push_back(std::move(entry));
        }
        return tree;
    }

    static std::string find(const std::map<std::string, std::string>& owners, const std::string& path) {
        const auto found = owners.find(path);
        return found == owners.end() ? "" : found->second;
    }

    // "a/__pycache__/b.cpython-313.pyc" is of who has "a/b.py", "a/__pycache__" of who has "a".
    static std::string owner_of(const std::map<std::string, std::string>& owners, const std::string& path) {
        if (std::string owner = find(owners, path); !owner.empty()) return owner;
        constexpr std::string_view cache = "/__pycache__";
        const std::size_t at = path.rfind(cache);
        if (at == std::string::npos) return {};
        const std::string folder = path.substr(0, at);
        if (at + cache.size() == path.size()) return find(owners, folder);
        const std::string name = path.substr(at + cache.size() + 1);
        return find(owners, folder + "/" + name.substr(0, name.find(".cpython-")) + ".py");
    }

    fs::path root_;
    std::int64_t epoch_;
    std::vector<Found> tree_;
};

} // namespace

Tree capture(const fs::path& root, std::int64_t epoch) {
    return while_doing(fmt::format("recording the root '{}'", root.native()), [&] { return Recorder(root, epoch).record(); });
}

} // namespace ashlar::root

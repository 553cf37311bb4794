#include <root/overlay.hpp>

#include "attributes.hpp"
#include "inner_path.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

class Overlays {
public:
    Overlays(const fs::path& root, const recipe::Role& role, std::int64_t epoch) : root_(root), role_(role), epoch_(epoch) {
        for (const auto& file : role.files) entries_[file.path] = &file;
    }

    void apply(const fs::path& overlay) { directory(overlay, "/"); }

    // Owners may be of accounts that a later overlay brings, and times change with every new entry.
    void finish() const {
        for (const auto& [path, inner] : placed_) {
            set_owner_and_mode(path, inner);
            set_time(inner, epoch_);
        }
    }

private:
    void directory(const fs::path& from, const fs::path& path) {
        std::set<fs::path> names;
        for (const auto& entry : fs::directory_iterator(from)) names.insert(entry.path().filename());
        for (const auto& name : names) place(from / name, path / name);
    }

    void place(const fs::path& from, const fs::path& path) {
        const fs::path inner = inner_path(root_, path, LastLink::kept);
        const auto there = fs::symlink_status(inner);
        if (fs::is_directory(fs::symlink_status(from))) {
            const fs::path followed = inner_path(root_, path, LastLink::followed);
            if (!fs::exists(followed)) {
                fs::create_directories(followed);
                placed_[path.native()] = followed;
            } else if (!fs::is_directory(followed)) {
                throw Error(fmt::format("cannot place the directory '{}': the root has a file there", path.native()));
            }
            return directory(from, path);
        }
        if (fs::is_directory(there))
            throw Error(fmt::format("cannot place the file '{}' of overlay '{}': the root has a directory there", path.native(), from.native()));
        fs::remove(inner);
        if (fs::is_symlink(fs::symlink_status(from))) fs::create_symlink(fs::read_symlink(from), inner);
        else write_file(inner, read_file(from), is_executable(from) ? 0755 : 0644);
        placed_[path.native()] = inner;
    }

    static bool is_executable(const fs::path& file) {
        return (fs::status(file).permissions() & fs::perms::owner_exec) != fs::perms::none;
    }

    void set_owner_and_mode(const std::string& path, const fs::path& inner) const {
        const auto found = entries_.find(path);
        const recipe::FileEntry* entry = found == entries_.end() ? nullptr : found->second;
        Owner owner;
        if (entry != nullptr && !entry->owner.empty()) {
            if (const auto known = find_owner(root_, entry->owner)) owner = *known;
            else throw toml::SourceError(role_.where(recipe::Element::file, path), fmt::format("the root has no account '{}'", entry->owner));
        }
        set_owner(inner, owner);
        if (entry != nullptr && entry->mode && !fs::is_symlink(fs::symlink_status(inner))) set_mode(inner, *entry->mode);
    }

    const fs::path& root_;
    const recipe::Role& role_;
    std::int64_t epoch_;
    std::map<std::string, const recipe::FileEntry*> entries_;
    std::map<std::string, fs::path> placed_; // path in the image → where it is
};

} // namespace

void apply_overlays(const fs::path& root, const recipe::Role& role, std::int64_t epoch) {
    Overlays overlays(root, role, epoch);
    for (const auto& overlay : role.overlays)
        while_doing(fmt::format("applying the overlay '{}'", overlay.filename().native()), [&] { overlays.apply(overlay); });
    overlays.finish();
}

} // namespace ashlar::root

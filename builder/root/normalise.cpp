#include <root/normalise.hpp>

#include <root/accounts.hpp>

#include "attributes.hpp"
#include "installed.hpp"
#include "rules.hpp"
#include "text_file.hpp"
#include "var.hpp"
#include "walk.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>

#include <algorithm>
#include <cerrno>
#include <fnmatch.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::root {

namespace fs = std::filesystem;

namespace {

bool matches(std::string_view pattern, const std::string& path) { return ::fnmatch(std::string(pattern).c_str(), path.c_str(), 0) == 0; }

void remove_file(const fs::path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw system_error("remove", path.native());
}

bool is_removed(const fs::path& root, const std::string& path, bool directory) {
    for (const auto& rule : removed) {
        if (!matches(rule.pattern, path) || (directory && rule.reach == Reach::files)) continue;
        directory ? remove_tree(root / path) : remove_file(root / path);
        return true;
    }
    return false;
}

void remove_known(const fs::path& root) {
    for (const char* name : {"vmlinuz", "vmlinuz.old", "initrd.img", "initrd.img.old"}) remove_file(root / name);
    for (const char* top : {"etc", "var"})
        walk(root, top, [&](const std::string& path, const struct stat& status) {
            return is_removed(root, path, S_ISDIR(status.st_mode)) ? Descend::no : Descend::yes;
        });
}

void empty(const fs::path& directory) {
    if (!fs::is_directory(directory)) return;
    for (const auto& entry : fs::directory_iterator(directory)) remove_tree(entry.path());
}

// machine-id(5): an empty file gives each boot an id, and no boot counts as the first, which would
// apply presets anew and ask questions.
void empty_machine_id(const fs::path& root) {
    const fs::path file = root / "etc/machine-id";
    if (fs::exists(file) && fs::file_size(file) == 0) return;
    remove_file(file);
    write_file(file, "", 0444);
}

void point_resolver(const fs::path& root) {
    const fs::path file = root / "etc/resolv.conf";
    const fs::path stub = "../run/systemd/resolve/stub-resolv.conf";
    if (!fs::exists(root / "usr/lib/systemd/systemd-resolved")) return remove_file(file);
    if (fs::is_symlink(fs::symlink_status(file)) && fs::read_symlink(file) == stub) return;
    remove_file(file);
    fs::create_symlink(stub, file);
}

// Directories of a lower layer of an overlay cannot be renamed.
void move_tree(const fs::path& from, const fs::path& to) {
    fs::create_directories(to.parent_path());
    if (::rename(from.c_str(), to.c_str()) == 0) return;
    if (errno != EXDEV) throw system_error("move", from.native());
    run_checked({.argv = {"cp", "--archive", "--no-target-directory", "--", from.native(), to.native()}});
    remove_tree(from);
}

void move_database(const fs::path& root) {
    const fs::path from = root / database_folder;
    if (!fs::is_directory(fs::symlink_status(from))) return;
    move_tree(from, root / sealed_database_folder);
}

// systemd-update-done.service(8): the stamp is not older than /usr, so nothing needs an update.
void stamp_updated(const fs::path& root, std::int64_t epoch) {
    const fs::path file = root / "etc/.updated";
    write_file(file, "# This directory is as new as /usr: both come from one image.\n");
    set_time(file, epoch);
}

} // namespace

void normalise(const fs::path& root, std::int64_t epoch) {
    while_doing(fmt::format("normalising the root '{}'", root.native()), [&] {
        remove_known(root);
        for (const char* name : {"run", "tmp", "dev", "proc", "sys"}) empty(root / name);
        move_database(root);
        seal_var(root, epoch);
        // The probe of the tests has no /etc, and nobody to read it.
        if (!fs::is_directory(root / "etc")) return;
        empty_machine_id(root);
        point_resolver(root);
        normalise_shadow(root);
        stamp_updated(root, epoch);
    });
}

} // namespace ashlar::root

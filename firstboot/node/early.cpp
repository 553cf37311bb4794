#include <node/early.hpp>

#include "accounts.hpp"
#include <node/mounts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <disks/claim.hpp>
#include <disks/inventory.hpp>
#include <node/drift.hpp>
#include <node/running.hpp>
#include <node/trial.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view var_type = "4d21b016-b534-45c2-a9fb-5c16e091fd2d";
// On the node; /run moves along when the root is switched, and the layer of /etc with it.
constexpr const char* layer = "/run/ashlar/etc";
constexpr const char* kept = "var/lib/ashlar/state";
// Units that belong to a trial ask for it.
constexpr const char* trial_mark = "/run/ashlar/trial";

const disks::Partition* partition_of_type(const disks::Disk& disk, std::string_view type) {
    const auto found = std::ranges::find(disk.partitions, type, &disks::Partition::type);
    return found == disk.partitions.end() ? nullptr : &*found;
}

void mount_etc(const fs::path& root) {
    const fs::path upper = fs::path(layer) / "upper", work = fs::path(layer) / "work";
    fs::create_directories(upper);
    fs::create_directories(work);
    mount("overlay", root / "etc", "overlay", 0,
          fmt::format("lowerdir={},upperdir={},workdir={}", (root / "etc").native(), upper.native(), work.native()));
}

void render(const fs::path& root, const Json& state) {
    write_file(root / "etc/machine-id", state.at("machine_id").get<std::string>() + "\n", 0444);
    write_file(root / "etc/hostname", state.at("hostname").get<std::string>() + "\n");
}

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
    const fs::path place = root / kept / entry.path, seen = root / entry.path;
    fs::create_directories(place.parent_path());
    if (!entry.is_directory) {
        fs::remove(seen);
        fs::create_directories(seen.parent_path());
        fs::create_symlink(fs::path("/") / kept / entry.path, seen);
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

// A release that was started too often is left for the one of before, whatever the boot loader believes.
void try_release(const fs::path& state, const Json& content) {
    const auto start = count_start(state, content, running_root_hash());
    if (start == upgrade::Start::trial) write_file(trial_mark, "");
    if (start != upgrade::Start::one_too_many) return;
    const auto journal = upgrade::journal_from(content.at("upgrade"));
    start_once(fmt::format("ashlar_{}.efi", journal.origin->release));
    throw Error(fmt::format("cannot go on with '{}': it was started {} times and did not prove itself", journal.target->image.release, upgrade::most_attempts),
                "the release of before is started instead");
}

} // namespace

Place early(const fs::path& root) {
    // The root's own partitions are known, or there were no root; those beside it perhaps not yet.
    disks::settle();
    const auto disks = disks::inventory();
    const disks::Disk* disk = disks::started_from(disks);
    const auto* state = disk == nullptr ? nullptr : partition_of_type(*disk, state::partition_type().text());
    mount_etc(root);
    if (state == nullptr) {
        mount("tmpfs", root / "var", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
        record_layer(fs::path(layer) / "upper", fs::path(layer) / "record.json");
        return Place::medium;
    }
    return while_doing(fmt::format("opening the node on '{}'", disk->device.native()), [&] {
        const auto record = state::read(state->device);
        if (!record)
            throw Error(fmt::format("cannot start the node on '{}': its installation did not come to its end", disk->device.native()),
                        "start from the medium again: it begins anew");
        try_release(state->device, record->content);
        const auto* var = partition_of_type(*disk, var_type);
        if (var == nullptr) throw Error(fmt::format("cannot open /var: '{}' has no partition of its type", disk->device.native()));
        mount(var->device.native(), root / "var", "ext4", MS_NOSUID | MS_NODEV);
        // Power was cut after all was written and before the installer said so. From now on data are kept here.
        if (disks::is_claimed(disk->device)) disks::release(disk->device);
        render(root, record->content);
        const Accounts accounts(root);
        for (const auto& entry : declared(root)) redirect(root, entry, accounts);
        record_layer(fs::path(layer) / "upper", fs::path(layer) / "record.json");
        return Place::disk;
    });
}

} // namespace ashlar::node

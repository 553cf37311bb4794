#include <node/early.hpp>

#include "encryption.hpp"
#include "layers.hpp"
#include <node/mounts.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <disks/claim.hpp>
#include <disks/inventory.hpp>
#include <node/running.hpp>
#include <node/trial.hpp>
#include <reset/note.hpp>
#include <signing/break_glass.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <sys/mount.h>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

// Units that belong to a trial ask for it.
constexpr const char* trial_mark = "/run/ashlar/trial";

// A medium must not fill the memory that its services need.
void mount_var_in_memory(const fs::path& root) { mount("tmpfs", root / "var", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=25%"); }

std::vector<std::string> access(const Json& state, const char* key) {
    return state.value("access", Json::object()).value(key, std::vector<std::string>());
}

std::string lines(const std::vector<std::string>& all) {
    std::string text;
    for (const auto& line : all) text += line + "\n";
    return text;
}

// A certificate of such a key is good for this node's principal alone, whatever else it names; the command writes its use
// down and ends it, and there is no way around the command.
std::vector<std::string> break_glass_authorities(const Json& state) {
    std::vector<std::string> all;
    for (const auto& key : access(state, "break_glass"))
        all.push_back(fmt::format(R"(cert-authority,restrict,pty,principals="{}",command="/usr/bin/ashlarctl break-glass-login" {})", break_glass_principal(state.at("hostname").get<std::string>()), key));
    return all;
}

// Nothing when /var is the disk's; otherwise why the TPM does not open it. Only a partition that is
// encrypted by the state's word is opened as one, and then no other is mounted in its place.
std::optional<std::string> mount_var(const fs::path& root, const disks::Disk& disk, const Json& state) {
    const auto* var = disk.of_type(disks::var_partition_type);
    if (var == nullptr) throw Error(fmt::format("cannot open /var: '{}' has no partition of its type", disk.device.native()));
    fs::path device = var->device;
    if (state.contains("encryption")) {
        if (auto reason = unlock_by_tpm(device, VarAccess::read_write)) return reason;
        device = "/dev/mapper/var";
    }
    mount(device.native(), root / "var", "ext4", MS_NOSUID | MS_NODEV);
    return std::nullopt;
}

// Services that found their /var empty would begin anew, as other nodes.
void start_only(const fs::path& root, const std::string& target) {
    mount_var_in_memory(root);
    const fs::path chosen = root / "etc/systemd/system/default.target";
    fs::remove(chosen);
    fs::create_directories(chosen.parent_path());
    fs::create_symlink("/usr/lib/systemd/system/" + target, chosen);
}

// A release that was started too often is left for the one of before, whatever the boot loader believes.
void try_release(const fs::path& state, const Json& content) {
    const auto start = count_start(state, content, running_root_hash());
    if (start == upgrade::Start::trial) write_file(trial_mark, "");
    if (start != upgrade::Start::one_too_many) return;
    const auto journal = upgrade::journal_from(content.at("upgrade"));
    start_once(fmt::format("ashlar_{}.efi", journal.origin->release));
    throw Error(fmt::format("cannot go on with '{}': it was started {} {} and did not prove itself", journal.target->image.release, journal.target->tries, journal.target->tries == 1 ? "time" : "times"),
                "the release of before is started instead");
}

Place open_node(const fs::path& root, const disks::Disk& disk, const Json& state) {
    // Power was cut after all was written and before the installer said so. From now on data are kept here.
    if (disks::claim_on(disk.device)) disks::release(disk.device);
    render(root, state);
    if (reset::is_ordered(state)) {
        start_only(root, "ashlar-reset.target");
        return Place::resetting;
    }
    if (const auto reason = mount_var(root, disk, state)) {
        start_only(root, "ashlar-locked.target");
        write_file(locked_mark, *reason + "\n");
        return Place::locked;
    }
    redirect_state(root);
    return Place::disk;
}

// /var of the node beside, so that nothing finds a /var that it cannot write to, and nothing writes to the node's.
void show_var(const disks::Disk& disk, const Json& state) {
    const auto* var = disk.of_type(disks::var_partition_type);
    if (var == nullptr) throw Error(fmt::format("cannot open /var: '{}' has no partition of its type", disk.device.native()));
    fs::path device = var->device;
    if (state.contains("encryption")) {
        if (const auto reason = unlock_by_tpm(device, VarAccess::read_only)) throw Error(fmt::format("cannot open /var: the TPM does not ({})", *reason));
        device = "/dev/mapper/var";
    }
    fs::create_directories(rescue_var);
    // noload: an ext4 that was not unmounted would be repaired by its journal, read-only or not.
    mount(device.native(), rescue_var, "ext4", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "noload");
}

// Whatever is broken: the rest is shown.
Place open_rescue(const fs::path& root, const disks::Disk* disk, const disks::Partition* place) {
    mount_var_in_memory(root);
    std::string missing;
    try {
        const auto record = place == nullptr ? std::nullopt : state::read(place->device);
        if (record) {
            render(root, record->content);
            show_var(*disk, record->content);
        }
    } catch (const Error& error) {
        missing = error.message() + "\n";
    } catch (const Json::exception& failure) {
        missing = fmt::format("cannot understand the state: {}\n", failure.what());
    }
    write_file(rescue_mark, missing);
    return Place::rescue;
}

Place open_place(const fs::path& root) {
    // The root's own partitions are known, or there were no root; those beside it perhaps not yet.
    disks::settle();
    const auto disks = disks::inventory();
    const disks::Disk* disk = disks::started_from(disks);
    const auto* place = disk == nullptr ? nullptr : disk->of_type(state::partition_type().text());
    keep_policy_key();
    mount_etc(root);
    if (is_rescue()) return open_rescue(root, disk, place);
    // A disk that was about to become a node is a medium until it is one.
    if (place != nullptr && disks::claim_on(disk->device) != disks::Claim::in_place) {
        const std::string opening = fmt::format("opening the node on '{}'", disk->device.native());
        const auto record = while_doing(opening, [&] { return state::read(place->device); });
        if (record) {
            try_release(place->device, record->content);
            return while_doing(opening, [&] { return open_node(root, *disk, record->content); });
        }
    }
    mount_var_in_memory(root);
    write_file(medium_mark, "");
    return Place::medium;
}

} // namespace

void render(const fs::path& root, const Json& state) {
    write_file(root / "etc/machine-id", state.at("machine_id").get<std::string>() + "\n", 0444);
    write_file(root / "etc/hostname", state.at("hostname").get<std::string>() + "\n");
    write_file(root / "etc/ssh/ashlar/authorized_keys", lines(access(state, "ssh_keys")) + lines(break_glass_authorities(state)));
    write_file(root / "etc/ssh/ashlar/user_ca", lines(access(state, "ssh_ca")));
    write_file(root / "etc/ssh/ashlar/break_glass", break_glass_signers(access(state, "break_glass")));
}

Place early(const fs::path& root) {
    const Place place = open_place(root);
    record_etc();
    return place;
}

} // namespace ashlar::node

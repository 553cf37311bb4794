#include <node/root.hpp>

#include <base/error.hpp>
#include <base/process.hpp>
#include <disks/inventory.hpp>
#include <node/running.hpp>
#include <signing/verity.hpp>

#include <chrono>
#include <thread>

#include <fmt/format.h>

namespace ashlar::node {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto patience = 90s;
constexpr auto between_looks = 100ms;

std::optional<RootDevices> root_of(const disks::Disk& disk, const Digest& root_hash) {
    const auto* data = disk.with_id(data_partition_of(root_hash).text());
    const auto* tree = disk.with_id(hash_partition_of(root_hash).text());
    if (data == nullptr || tree == nullptr) return std::nullopt;
    return RootDevices{data->device, tree->device};
}

std::optional<RootDevices> root_of_the_only_one(const std::vector<disks::Disk>& disks, const Digest& root_hash) {
    std::optional<RootDevices> found;
    for (const auto& disk : disks) {
        auto root = root_of(disk, root_hash);
        if (root && found)
            throw Error(fmt::format("cannot choose a root: '{}' and '{}' are copies, and the firmware does not say which disk it started from",
                                    found->data.native(), root->data.native()),
                        "take one of the disks out");
        if (root) found = std::move(root);
    }
    return found;
}

Error not_there(const disks::Disk* started, const Digest& root_hash) {
    if (started == nullptr)
        return Error("cannot open the root: no disk has the partition that the firmware started from", "is a driver missing, or the medium pulled out?");
    return Error(fmt::format("cannot open the root: '{}' has no partitions '{}' and '{}'", started->device.native(),
                             data_partition_of(root_hash).text(), hash_partition_of(root_hash).text()),
                 "its boot partition has another version than its root: write the image again");
}

RootDevices wait_for_root(const Digest& root_hash) {
    const auto until = Clock::now() + patience;
    // A disk may appear between the wait for udev and the look: once is not enough to say that it lacks something.
    for (int looks_at_the_disk = 0;;) {
        disks::settle();
        const auto disks = disks::inventory();
        if (auto root = root_on(disks, disks::boot_partition_id(), root_hash)) return *root;
        const disks::Disk* started = disks::started_from(disks);
        if (started != nullptr) ++looks_at_the_disk;
        if (looks_at_the_disk == 3 || Clock::now() > until) throw not_there(started, root_hash);
        std::this_thread::sleep_for(between_looks);
    }
}

} // namespace

std::optional<RootDevices> root_on(const std::vector<disks::Disk>& disks, std::string_view boot_partition_id, const Digest& root_hash) {
    if (const disks::Disk* started = disks::started_from(disks)) return root_of(*started, root_hash);
    if (!boot_partition_id.empty()) return std::nullopt;
    return root_of_the_only_one(disks, root_hash);
}

void open_root() {
    const Digest root_hash = running_root_hash();
    const RootDevices root = wait_for_root(root_hash);
    run_checked({.argv = {"/usr/lib/systemd/systemd-veritysetup", "attach", "root", root.data.native(), root.hash_tree.native(),
                          root_hash.hex(), "panic-on-corruption"}});
}

} // namespace ashlar::node

#include <steps/node_steps.hpp>

#include <base/error.hpp>
#include <base/process.hpp>
#include <disks/inventory.hpp>
#include <firstboot/identity.hpp>
#include <node/mounts.hpp>
#include <node/running.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <sys/mount.h>

#include <fmt/format.h>

namespace ashlar::steps {

namespace {

constexpr std::string_view esp_type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

// Mounted only while it is needed: a partition that is not mounted cannot be broken by a crash.
class MountedBootPartition final : public OpenBootPartition {
public:
    explicit MountedBootPartition(const std::filesystem::path& device) : mount_(device.native(), "/run/ashlar/esp", "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC, "umask=0077") {}
    [[nodiscard]] const std::filesystem::path& path() const override { return mount_.path(); }
    void close() override { mount_.close(); }

private:
    node::Mount mount_;
};

const disks::Partition* of_type(const disks::Disk& disk, std::string_view type) {
    const auto found = std::ranges::find(disk.partitions, type, &disks::Partition::type);
    return found == disk.partitions.end() ? nullptr : &*found;
}

} // namespace

std::optional<Node> this_node() {
    disks::settle();
    const auto disks = disks::inventory();
    const disks::Disk* disk = disks::started_from(disks);
    const auto* state = disk == nullptr ? nullptr : of_type(*disk, state::partition_type().text());
    if (state == nullptr) return std::nullopt;
    const auto* esp = of_type(*disk, esp_type);
    if (esp == nullptr) throw Error(fmt::format("cannot find the boot partition of '{}'", disk->device.native()));
    const firstboot::Identity identity = firstboot::read_identity("/");
    return Node{.role = identity.role,
                .architecture = identity.architecture,
                .running = {identity.release, node::running_root_hash()},
                .disk = disk->device,
                .state = state->device,
                .boot_partition = [device = esp->device] { return std::make_unique<MountedBootPartition>(device); },
                .restart = [] { run_checked({.argv = {"systemctl", "reboot"}}); }};
}

} // namespace ashlar::steps

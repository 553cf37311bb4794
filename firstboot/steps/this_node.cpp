#include <steps/node_steps.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <disks/inventory.hpp>
#include <firstboot/identity.hpp>
#include <node/container.hpp>
#include <node/early.hpp>
#include <node/mounts.hpp>
#include <node/reset.hpp>
#include <node/running.hpp>
#include <state/state.hpp>

#include <algorithm>
#include <sys/mount.h>
#include <sys/stat.h>

namespace ashlar::steps {

namespace {

// Mounted only while it is needed: a partition that is not mounted cannot be broken by a crash.
class MountedBootPartition final : public OpenBootPartition {
public:
    explicit MountedBootPartition(const std::filesystem::path& device) : mount_(device.native(), "/run/ashlar/esp", "vfat", MS_NOSUID | MS_NODEV | MS_NOEXEC, "umask=0077") {}
    [[nodiscard]] const std::filesystem::path& path() const override { return mount_.path(); }
    void close() override { mount_.close(); }

private:
    node::Mount mount_;
};

std::optional<std::string> image_root() {
    const std::filesystem::path file = "/usr/lib/ashlar/trust/root.json";
    return std::filesystem::exists(file) ? std::optional(read_file(file)) : std::nullopt;
}

// Everything in an image is as old as its inputs.
Time image_time() {
    struct stat status {};
    if (::stat("/usr/lib/os-release", &status) != 0) return {};
    return Time(std::chrono::seconds(status.st_mtime));
}

} // namespace

// What is a medium was decided in the initrd: a disk that was about to become a node is one too.
std::optional<Node> this_node() {
    if (std::filesystem::exists(node::medium_mark) || node::is_in_container()) return std::nullopt;
    disks::settle();
    const auto disks = disks::inventory();
    const disks::Disk* disk = disks::started_from(disks);
    const auto* state = disk == nullptr ? nullptr : disk->of_type(state::partition_type().text());
    const auto* esp = disk == nullptr ? nullptr : disk->of_type(disks::boot_partition_type);
    if (state == nullptr || esp == nullptr) throw Error("cannot keep this node's releases: the disk that it was started from lacks its state or boot partition");
    const firstboot::Identity identity = firstboot::read_identity("/");
    return Node{.role = identity.role,
                .architecture = identity.architecture,
                .running = {identity.release, node::running_root_hash()},
                .disk = disk->device,
                .state = state->device,
                .boot_partition = [device = esp->device] { return std::make_unique<MountedBootPartition>(device); },
                .trusted_root = image_root(),
                .now = [] { return std::max(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()), image_time()); },
                .restart = [] { run_checked({.argv = {"systemctl", "reboot"}}); },
                .order_reset = [release = identity.release](unsigned by) { return node::order_reset(release, by); }};
}

} // namespace ashlar::steps

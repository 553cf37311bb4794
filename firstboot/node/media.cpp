#include <node/media.hpp>

#include <disks/inventory.hpp>
#include <node/mounts.hpp>

#include <sys/mount.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::node {

bool on_media(MediumAccess access, const std::function<bool(const disks::Partition&, const std::filesystem::path&)>& look,
              const std::function<void(const disks::Partition&, const Error&)>& failed) {
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (access == MediumAccess::read_only ? MS_RDONLY : 0);
    // Whoever else looks for something on the same stick has a place of their own.
    const std::filesystem::path place = fmt::format("/run/ashlar/stick-{}", ::getpid());
    disks::settle();
    for (const auto& disk : disks::inventory()) {
        if (disk.started_from) continue;
        for (const auto& partition : disk.partitions) {
            if (partition.file_system != "vfat") continue;
            try {
                Mount mount(partition.device.native(), place, "vfat", flags);
                const bool found = look(partition, mount.path());
                mount.close();
                if (found) return true;
            } catch (const Error& error) {
                failed(partition, error);
            }
        }
    }
    return false;
}

} // namespace ashlar::node

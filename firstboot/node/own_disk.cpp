#include "own_disk.hpp"

#include <base/error.hpp>
#include <state/state.hpp>

#include <utility>

#include <fmt/format.h>

namespace ashlar::node {

const disks::Partition& OwnDisk::var() const { return *disk.of_type(disks::var_partition_type); }

OwnDisk own_disk(std::string_view doing) {
    disks::settle(); // the initrd took its database of udev along
    const auto disks = disks::inventory();
    const disks::Disk* disk = disks::started_from(disks);
    const auto* place = disk == nullptr ? nullptr : disk->of_type(state::partition_type().text());
    auto record = place == nullptr ? std::nullopt : state::read(place->device);
    if (!record || disk->of_type(disks::var_partition_type) == nullptr)
        throw Error(fmt::format("cannot {}: the node was not started from its own disk", doing), "start it from there");
    return {*disk, place->device, std::move(record->content)};
}

} // namespace ashlar::node

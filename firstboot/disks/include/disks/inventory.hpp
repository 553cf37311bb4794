#pragma once

// What disks the kernel and udev know. Nothing is written.

#include <disks/disk.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::disks {

// Waits until udev has looked at every device that the kernel found so far: before that its database has
// gaps. At most a minute.
void settle();

// The disks with a node in <root>/dev, by name: from <root>/sys/block and the database of udev in
// <root>/run/udev/data. Loop, RAM and stacked devices are no disks. No device is read: `content` stays
// foreign until look_inside(). A disk that is reached by several paths (Fibre Channel, SAS, iSCSI) is one,
// under the first of its names: its WWN, serial number and size are the same, and none is empty.
[[nodiscard]] std::vector<Disk> inventory(const std::filesystem::path& root = "/");

// Finds out what the disk carries: from the mark of an installation that did not come to its end, with
// wipefs(8), from its first and last MiB, and from its state partition where it has one.
void look_inside(Disk& disk);

// The partition that the boot loader was started from: its GUID in lower case, from the firmware's
// variable LoaderDevicePartUUID (systemd's Boot Loader Interface). Empty when there is no such variable:
// the machine was not started by UEFI and systemd's stub.
[[nodiscard]] std::string boot_partition_id(const std::filesystem::path& root = "/");

// The disk that was started from. Nothing when the firmware does not say, or no disk has the partition.
// Several have it when they are copies of one medium: then the only one of them that has become a node, or
// an Error, because the firmware does not say which.
[[nodiscard]] const Disk* started_from(const std::vector<Disk>& disks);

} // namespace ashlar::disks

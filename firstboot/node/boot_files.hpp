#pragma once

// The boot loader and a UKI on the boot partition of a disk.

#include <filesystem>

namespace ashlar::node {

// Copies EFI/ and loader/ from `from` to the FAT file system on `device`, which is mounted at `place`
// meanwhile. Each file has another name until it is on the disk; what firmware starts (EFI/BOOT) comes
// last: before that nothing on the disk can be started.
void copy_boot_files(const std::filesystem::path& from, const std::filesystem::path& device, const std::filesystem::path& place);

} // namespace ashlar::node

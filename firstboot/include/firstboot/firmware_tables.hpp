#pragma once

// What firmware tables (SMBIOS) say to the programs that start an image. Whoever holds the management
// controller or the hypervisor writes them, and no signature covers them.
//
// systemd-stub appends one of their strings to the kernel's command line, under Secure Boot too (it is
// measured into PCR 12, not 11): with it roothash=, init= or systemd.import_credentials= could be
// whatever somebody wants. Nothing can switch that off, so the initrd refuses to go on when it happened.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace ashlar::firstboot {

// The strings of one SMBIOS structure (DMTF DSP0134, 6.1.3) as the kernel shows it in
// /sys/firmware/dmi/entries/<type>-<instance>/raw. Bytes that make no sense end the list.
[[nodiscard]] std::vector<std::string> smbios_strings(std::span<const std::byte> structure);

// Those of all OEM string tables (type 11) below <sys>/firmware/dmi/entries that change a kernel command
// line; sorted. A machine without SMBIOS has none; tables that are there and cannot be read are an Error.
[[nodiscard]] std::vector<std::string> command_line_strings(const std::filesystem::path& sys);

} // namespace ashlar::firstboot

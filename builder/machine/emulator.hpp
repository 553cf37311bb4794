#pragma once

// QEMU's command line for a machine, and the numbers of the descriptors that connect it to us.

#include <machine/machine.hpp>

#include <string>
#include <vector>

namespace ashlar::machine {

// Descriptor numbers inside QEMU.
inline constexpr int console_fd = 10, status_fd = 11, control_fd = 12, tpm_fd = 13;
// The disk's name there, when it is on USB.
inline constexpr const char* usb_disk = "usb-disk";

// `variables` is the file that the machine may write.
[[nodiscard]] std::vector<std::string> emulator_arguments(const Options& options, const std::filesystem::path& variables);

// swtpm with its state in `state`; QEMU's end of the connection is tpm_fd there.
[[nodiscard]] std::vector<std::string> tpm_arguments(const std::filesystem::path& state, int control);

} // namespace ashlar::machine

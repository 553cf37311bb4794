#pragma once

// Boots a disk image in QEMU as a real machine would: UEFI in user mode with our keys, Secure Boot on, a
// software TPM 2.0, the image as its only disk. The image is not written to unless asked for. QEMU and swtpm end with
// this object or process, and leave nothing behind.

#include <machine/firmware.hpp>
#include <machine/outcome.hpp>

#include <base/json.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::machine {

enum class Acceleration { emulated, kvm };
enum class DiskBus { virtio, nvme, usb };
enum class Writes { discarded, kept }; // what becomes of what the guest writes to its disk
enum class Network { none, user }; // user: the guest reaches out through QEMU, nobody reaches in
enum class Tpm { none, software };
enum class BootFrom {
    the_disk,           // whatever else there is
    the_firmwares_list, // its own boot entries, then the disks in their order
};
enum class Console {
    captured, // for scripts
    terminal, // ours; Ctrl-C ends the machine
};

// Time that does not depend on what else the host does.
struct Budget {
    // Processor time of the emulator.
    std::chrono::seconds processor{400};
    // Time in which the machine neither computed nor waited for a processor of the host.
    std::chrono::seconds idle{200};
};

// Somebody at the console.
struct Typing {
    std::string when; // as soon as the console says this, behind where it said what the typing before waited for
    std::string what; // with its line ends
};

struct Options {
    std::filesystem::path disk;
    Firmware firmware;
    // The variable store to start with; it is copied, unless `keep_variables`, where the machine writes
    // into this very file and finds it again at the next boot.
    std::filesystem::path variables;
    enum class Variables { copied, kept } variables_use = Variables::copied;
    // Where the TPM keeps its state between boots; absent: a fresh one.
    std::optional<std::filesystem::path> tpm_state;
    Tpm tpm = Tpm::software;
    Acceleration acceleration = Acceleration::emulated;
    unsigned processors = 2;
    unsigned memory_mib = 1024;
    DiskBus disk_bus = DiskBus::virtio;
    Writes writes = Writes::discarded;
    // Where every write and flush of the disk is logged, in the format of Linux's dm-log-writes; the file must
    // be there. Only with Writes::kept.
    std::optional<std::filesystem::path> write_log;
    BootFrom boot_from = BootFrom::the_disk;
    // The power goes away as soon as the console says this: for tests. The outcome is `powered_off`.
    std::optional<std::string> cut_power_at;
    std::vector<Typing> typing; // one after the other; with Console::captured
    // The disk, which must be on USB, is pulled out as soon as the console says this: for tests.
    std::optional<std::string> pull_out_at;
    Network network = Network::user;
    Console console = Console::captured;
    // Strings of an SMBIOS type 11 table, e.g. "io.systemd.credential:name=value": for tests.
    std::vector<std::string> smbios_strings;
    std::optional<std::filesystem::path> serial_log; // everything the console says
    Until until = Until::ready;
    Budget budget; // does not apply to Console::terminal
    // Arguments for QEMU after ours, for what is not thought of here.
    std::vector<std::string> more_arguments;
};

struct Report {
    Verdict verdict;
    std::optional<Json> status; // docs/formats/status.md, when the machine sent one
    std::string transcript; // of the console; empty with Console::terminal
    std::chrono::duration<double> processor_time{};
    std::chrono::duration<double> wall_time{};
};

// Boots and waits for the end. Throws Error when the machine cannot be started: a missing program or
// firmware (the hint names the package), KVM that does not work, an image that is not there.
[[nodiscard]] Report boot(const Options& options);

} // namespace ashlar::machine

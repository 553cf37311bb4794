#pragma once

// Which disks of a machine are meant, as site.toml says it: [install.disk] and [[disks.NAME]]. docs/formats/site.md. The
// disks themselves are known on the node only: <disks/rule.hpp>.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::site {

enum class Bus { nvme, sata, sas, scsi, virtio, usb, mmc, fibre_channel, iscsi, other };
[[nodiscard]] std::string_view name_of(Bus bus);                   // "fibre-channel", as in site.toml
[[nodiscard]] std::optional<Bus> bus_named(std::string_view name); // not `other`

// What may be on a disk that is taken.
enum class Wipe { if_blank, if_ours, always };

// All that is given must match.
struct DiskRule {
    std::vector<Bus> buses;                          // empty: every bus that needs no naming
    std::string model, serial, wwn;                  // patterns of fnmatch(3); empty: any
    std::optional<std::uint64_t> min_size, max_size; // bytes
    Wipe wipe = Wipe::if_blank;
};

} // namespace ashlar::site

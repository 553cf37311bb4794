#pragma once

// What differs between the architectures an image can be for. Partition types come from the
// Discoverable Partitions Specification (UAPI.2), file names from the UEFI specification 3.5.1.1.

#include <signing/guid.hpp>

#include <string>
#include <string_view>

namespace ashlar::image {

struct Architecture {
    std::string_view debian; // "amd64"
    std::string_view efi;    // "x64": part of every EFI file's name
    Guid root_type;
    Guid verity_type;

    // Where firmware looks on a disk it knows nothing of, below the ESP: "EFI/BOOT/BOOTX64.EFI".
    [[nodiscard]] std::string fallback_path() const;
    // "EFI/systemd/systemd-bootx64.efi", below the ESP.
    [[nodiscard]] std::string loader_path() const;
    // Where the systemd-boot-efi package has them, in the tools root.
    [[nodiscard]] std::string loader_source() const;     // "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
    [[nodiscard]] std::string stub_source() const;       // "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
    [[nodiscard]] std::string addon_stub_source() const; // "usr/lib/systemd/boot/efi/addonx64.efi.stub"
};

// By Debian's name; an architecture that is not here is an Error that lists those that are.
[[nodiscard]] const Architecture& architecture(std::string_view debian);

// The EFI system partition, on every architecture.
[[nodiscard]] const Guid& boot_partition_type();

} // namespace ashlar::image

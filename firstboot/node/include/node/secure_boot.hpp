#pragma once

// Secure Boot of this machine, and keys for one that has none (UEFI 2.10, sections 8.2 and 32).

#include <signing/digest.hpp>

#include <filesystem>
#include <string_view>
#include <vector>

namespace ashlar::node {

enum class SecureBoot {
    on,
    off,        // there are keys, and whoever owns them has turned it off
    setup_mode, // there are no keys: the firmware takes any
    none,       // the firmware does not know it, or is not UEFI
};

inline const std::filesystem::path firmware_variables = "/sys/firmware/efi/efivars";

// From the variables SecureBoot and SetupMode.
[[nodiscard]] SecureBoot secure_boot(const std::filesystem::path& variables = firmware_variables);

// Writes dbx.auth (where there is one), db.auth, KEK.auth and PK.auth of a directory, as `ashlar key variables`
// makes them, into the firmware's variables; PK ends setup mode. An Error before anything is written when one
// is missing; later it names the one that the firmware refuses, and setup mode goes on.
void enrol_keys(const std::filesystem::path& directory, const std::filesystem::path& variables = firmware_variables);

// The Authenticode digests that dbx lists, of programs that the firmware does not start. Empty where there is no dbx; an Error for one
// that cannot be read.
[[nodiscard]] std::vector<Digest> forbidden_programs(const std::filesystem::path& variables = firmware_variables);

// Adds to dbx what an update says that was signed by the machine's KEK, as `ashlar release revoke` makes it
// (docs/formats/secure-boot-keys.md). An Error when the firmware refuses it.
void forbid_programs(std::string_view update, const std::filesystem::path& variables = firmware_variables);

} // namespace ashlar::node

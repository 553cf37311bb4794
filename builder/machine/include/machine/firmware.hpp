#pragma once

// The virtual machine's UEFI firmware (OVMF) and its variable store, with our Secure Boot keys in it.
//
// The store is written here, not enrolled by booting: EDK II keeps variables in a firmware volume whose
// layout is public (MdeModulePkg, Guid/VariableFormat.h) and stable. Firmware reads it as if the keys
// had been enrolled by hand: user mode, Secure Boot on.

#include <signing/bytes.hpp>
#include <signing/uefi_variables.hpp>

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace ashlar::machine {

struct Firmware {
    std::filesystem::path code;      // read-only, with system management mode and Secure Boot
    std::filesystem::path variables; // an empty store that fits it
};

// The first pair that is complete in one of the directories. Error `cannot find UEFI firmware …`, with
// the package to install as the hint.
[[nodiscard]] Firmware find_firmware(const std::vector<std::filesystem::path>& directories = {"/usr/share/OVMF", "/usr/share/edk2/x64"});

// What is enrolled. `key_exchange`, `allowed` and `forbidden` as in signing/uefi_variables.hpp.
struct EnrolledKeys {
    TrustedCertificate platform_key;
    SignatureDatabase key_exchange, allowed, forbidden;
};

// From PK.pem, KEK.pem, db.pem and owner of a key directory (signing/key_set.hpp); no private key is
// needed. Vendors' certificates are not among them: a virtual machine has no option ROM to trust.
[[nodiscard]] EnrolledKeys load_enrolled_keys(const std::filesystem::path& directory);

// A copy of the empty store `blank` with PK, KEK, db, dbx and Secure Boot switched on. Determined by its
// arguments. Error when `blank` is no empty store of authenticated variables, or when there is no room.
[[nodiscard]] Bytes enrol(ByteView blank, std::string_view name, const EnrolledKeys& keys);

// What a store says about itself, for tests and messages: names of the variables that are set.
[[nodiscard]] std::vector<std::string> variable_names(ByteView store, std::string_view name);

} // namespace ashlar::machine

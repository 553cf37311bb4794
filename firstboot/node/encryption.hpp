#pragma once

// /var as LUKS2. Two ways open it:
//
//   the TPM, when the machine is in the state that it was installed in (registers 7: Secure Boot's keys
//   and who signed what was started, and 12: nothing was added to the UKI), and register 11 is what the
//   UKI's makers signed (docs/formats/uki.md): any release of theirs, and nothing else;
//
//   the recovery key, which is made at installation and kept only as sealed to the site's key.

#include <base/json.hpp>
#include <signing/key.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace ashlar::node {

// Text of 256 random bits, in a file that only root reads, in memory, for as long as this lives.
class RecoveryKey {
public:
    explicit RecoveryKey(const std::filesystem::path& file);
    RecoveryKey(const RecoveryKey&) = delete;
    RecoveryKey& operator=(const RecoveryKey&) = delete;
    ~RecoveryKey();

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }
    // Member "encryption" of the state: docs/formats/state.md.
    [[nodiscard]] Json sealed_to(const PublicKey& site) const;

private:
    std::filesystem::path file_;
    std::string text_;
};

// In the initrd: keeps the UKI's key for policies, which is gone with the initrd.
void keep_policy_key();

// In the initrd: opens /dev/mapper/var by the TPM. Nothing when it is open; otherwise why not.
enum class VarAccess { read_write, read_only };
[[nodiscard]] std::optional<std::string> unlock_by_tpm(const std::filesystem::path& device, VarAccess access);

// Lets this machine's TPM, as it is now, open the device, and no other; and the same machine in the rescue entry of its boot
// menu, unless something was added to the UKI: then it cannot be told ahead what register 12 will be there, and rescue goes
// without /var. An Error when the key does not
// open it (then nothing is changed), or when the UKI has no key for policies. Cut off in the middle it
// leaves a device that no TPM opens; the key still does.
void enrol_tpm(const std::filesystem::path& device, const std::filesystem::path& key_file);

} // namespace ashlar::node

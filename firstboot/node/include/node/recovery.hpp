#pragma once

// A node whose /var its TPM does not open any more: another board, a cleared TPM, other Secure Boot keys.
// docs/guides/recovery.md is what its operator reads.

#include <base/json.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace ashlar::node {

// What is wrong, and what opens it: for people at the console, several lines.
[[nodiscard]] std::string recovery_advice();
// Pure: `reason` as the initrd left it, `state` the content of the state partition.
[[nodiscard]] std::string recovery_advice(std::string_view reason, const Json& state);

// The node's recovery key as it is sealed to the site's: docs/formats/state.md.
[[nodiscard]] std::string sealed_recovery_key();

// Lets this machine's TPM open /var, by the recovery key in a file. An Error when the key is not it.
void recover(const std::filesystem::path& key_file);

// Looks once for ashlar/recovery-key on the boot partitions and other FAT file systems of all disks but the
// node's own, and tries each. True when one was right. `say` gets why one was not.
[[nodiscard]] bool recover_from_media(const std::function<void(std::string_view)>& say);

} // namespace ashlar::node

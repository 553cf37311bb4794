#pragma once

// The initrd's part in trying a release: it counts, and leaves one that has had its chances.

#include <base/json.hpp>
#include <signing/digest.hpp>
#include <upgrade/journal.hpp>

#include <filesystem>

namespace ashlar::node {

// Counts this start in the journal that `content` of the state partition has, and says what it is. A journal
// that cannot be read is a usual start: the daemon tells.
[[nodiscard]] upgrade::Start count_start(const std::filesystem::path& state, const Json& content, const Digest& running);

// The firmware's variable by which systemd-boot starts `entry` ("ashlar_R0.0.efi") once, instead of what it
// would choose (the Boot Loader Interface's LoaderEntryOneShot).
void start_once(const std::string& entry, const std::filesystem::path& root = "/");

} // namespace ashlar::node

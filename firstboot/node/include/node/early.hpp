#pragma once

// Before the root is switched: /var and the writable layer of /etc.
//
// On the disk of an installed node /var is its partition, and what services declared as their state
// (/usr/lib/ashlar/state.json of the image) is found again under /var/lib/ashlar/state. On a medium both
// are memory. In the rescue entry of the boot menu both are memory too, and the node's /var lies beside, read-only; no
// attempt is counted, no journal goes on. The layer over /etc is memory in either case: after a restart a node is exactly
// image + site + state again.

#include <base/json.hpp>

#include <filesystem>

namespace ashlar::node {

enum class Place {
    medium, // also a disk whose state was never written
    disk,
    resetting, // a factory reset was ordered: /var stays closed, and nothing starts but what erases it
    rescue, // nothing of a disk is written
    locked, // a node whose /var the TPM does not open: only what helps it out of that may start
};

// What conditions of units ask for, and why /var is locked.
inline constexpr const char* medium_mark = "/run/ashlar/started-from-medium";
inline constexpr const char* locked_mark = "/run/ashlar/var-locked";
// In rescue: the mark, with what could not be opened, one line each; and where the node's /var is, read-only.
inline constexpr const char* rescue_mark = "/run/ashlar/rescue";
inline constexpr const char* rescue_var = "/run/ashlar/rescue-var";

// `root` is where the image's root is mounted, read-only. Mounts <root>/etc and <root>/var, and leaves the
// mark of the place. An Error leaves mounts that a restart takes away.
[[nodiscard]] Place early(const std::filesystem::path& root);

// Writes what the state knows below <root>/etc: identity, and who may log in.
void render(const std::filesystem::path& root, const Json& state);

} // namespace ashlar::node

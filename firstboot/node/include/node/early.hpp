#pragma once

// Before the root is switched: /var and the writable layer of /etc.
//
// On the disk of an installed node /var is its partition, and what services declared as their state
// (/usr/lib/ashlar/state.json of the image) is found again under /var/lib/ashlar/state. On a medium both
// are memory. The layer over /etc is memory in either case: after a restart a node is exactly
// image + site + state again.

#include <filesystem>
#include <string>

namespace ashlar::node {

enum class Place { medium, disk };

// `root` is where the image's root is mounted, read-only. Mounts <root>/etc and <root>/var. An Error
// leaves mounts that a restart takes away.
[[nodiscard]] Place early(const std::filesystem::path& root);

} // namespace ashlar::node

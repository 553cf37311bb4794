#pragma once

// What a release says of itself in the words of Gaia-X, as JSON-LD: docs/formats/self-description.md. It is unsigned:
// who provides a cloud signs what he says of it, with his own key.

#include <evidence/manifest.hpp>
#include <signing/cluster_release.hpp>

#include <map>
#include <string>
#include <vector>

namespace ashlar::evidence {

struct SelfDescription {
    const ClusterRelease& release;
    std::vector<Manifest> manifests; // of each of its images; any order
    // Role → SPDX licence expressions of what is in its image; a role that is not here says nothing of its licences.
    std::map<std::string, std::vector<std::string>, std::less<>> licences;
};

// The same release gives the same bytes. Error where an image's manifest is missing, or not the one that the release names.
[[nodiscard]] std::string self_description(const SelfDescription& subject);

} // namespace ashlar::evidence

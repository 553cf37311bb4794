#pragma once

// Vulnerabilities that a step between releases closes, as the upgraded packages' own changelogs say: the
// ids that are named in entries newer than the old version. Needs no network. A changelog may name an id for
// another reason than having fixed it, so each comes with its version and line.

#include <diff/comparison.hpp>
#include <documents/library.hpp>

#include <string>
#include <vector>

namespace ashlar::diff {

struct ClosedVulnerability {
    std::string id;      // "CVE-2026-1234"
    std::string source;  // source package
    std::string version; // of the changelog's entry
    std::string package; // whose changelog it is
    std::size_t line = 0;
    std::string text; // of that line
    bool operator==(const ClosedVulnerability&) const = default;
};

// A source package about which nothing, or not all, is known, and why.
struct Gap {
    std::string source, reason;
    bool operator==(const Gap&) const = default;
};

struct ClosedVulnerabilities {
    std::vector<ClosedVulnerability> closed; // by id, then source; each pair once
    std::vector<Gap> unread;                 // no changelog was read
    std::vector<Gap> doubtful;               // it was, and does not reach back to the old version
    std::size_t sources = 0;                 // how many were upgraded
    bool operator==(const ClosedVulnerabilities&) const = default;
};

// Of all images of the step; `library` has the new packages.
[[nodiscard]] ClosedVulnerabilities closed_vulnerabilities(const ReleaseDifference& difference, documents::Library& library);

// Documents of packages as they are in an image's root. `facts` outlives it.
[[nodiscard]] documents::Shelf shelf_of(const ImageFacts& facts);
// Of all images each package once, sorted by name and version.
[[nodiscard]] std::vector<evidence::ManifestPackage> packages_of(const std::vector<ImageFacts>& images);

} // namespace ashlar::diff

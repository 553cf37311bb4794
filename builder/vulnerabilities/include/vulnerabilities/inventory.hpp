#pragma once

// The source packages of images as the security tracker calls them.

#include <evidence/manifest.hpp>
#include <lock/lock.hpp>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ashlar::vulnerabilities {

struct Image {
    evidence::Manifest manifest;
    lock::Lock lock; // of the image: it says which packages are Debian's
};

// A binary package in an image.
struct Place {
    std::string role;
    std::string package, version;
    Digest digest; // of the .deb
    std::string bill; // serial number of the image's CycloneDX document; empty: there is none
};

struct Source {
    std::string name, version; // the tracker's name: of signed packages what was signed
    bool backport = false;     // from a suite of backports: judged as the release that it comes from
    std::vector<Place> places;
};

struct Inventory {
    std::vector<Source> sources;      // sorted by name, then version
    std::vector<std::string> foreign; // sources from elsewhere than Debian's suites, of which the tracker knows nothing
    std::set<std::string> releases;   // the suites' releases: "trixie" of "trixie-security"
    [[nodiscard]] std::set<std::string> names() const;
};

// `bills`: for each image the serial number, or empty.
[[nodiscard]] Inventory inventory_of(const std::vector<Image>& images, const std::vector<std::string>& bills);

} // namespace ashlar::vulnerabilities

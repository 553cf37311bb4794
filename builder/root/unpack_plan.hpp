#pragma once

// Who has which path: decided from tables of contents alone, without a file system.

#include <root/unpack.hpp>

#include <archive/deb.hpp>
#include <debian/package.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ashlar::root {

struct Listing {
    std::string name, version;
    std::vector<debian::Alternative> replaces;
    std::span<const archive::DebEntry> entries;
};

// An entry of a package: indices into the listings and into their entries.
struct Source {
    std::uint32_t package = 0, entry = 0;
};

struct PlannedDirectory {
    std::string path;             // "" is the root
    std::optional<Source> source; // without it: mode 0755, owner 0
};

struct PlannedObject {
    std::string path;
    Source source;          // file, symlink or hard link
    std::uint32_t data = 0; // files and hard links: the entry of the same package that has the contents
};

struct PlannedLink {
    std::string path, target;
};

struct Plan {
    // Sorted by path. No parent of anything is a symbolic link: each is one of `directories`.
    std::vector<PlannedDirectory> directories;
    std::vector<PlannedObject> objects;
    // Links into /usr that no package brings.
    std::vector<PlannedLink> links;
    // By package: the entries, ascending, whose path another package has.
    std::vector<std::vector<std::uint32_t>> replaced;
};

// Throws `cannot unpack '<name> <version>': …`.
[[nodiscard]] Plan plan_unpack(std::span<const Listing> listings, std::span<const Diversion> diversions);

} // namespace ashlar::root

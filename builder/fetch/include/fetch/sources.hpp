#pragma once

// The source packages that something was built from: found in the signed indices of a lock's suites, and in the folders of a
// train, and brought into the store.

#include <signing/digest.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace ashlar::fetch {

struct WantedSource {
    std::string name, version;
    std::string archive; // where it is looked for first: the binary package's own
    auto operator<=>(const WantedSource&) const = default;
};

struct SourceFile {
    std::string file;       // name, without '/'
    std::string path;       // below the archive's root, or below the folder
    std::uint64_t size = 0; // bytes
    Digest sha256;
    bool operator==(const SourceFile&) const = default;
};

struct SourcePackage {
    std::string name, version;
    std::string archive, component; // where it was found; a folder has no component
    std::vector<SourceFile> files;
    bool operator==(const SourcePackage&) const = default;
};

struct Sources {
    std::vector<SourcePackage> packages; // one for each that was wanted, in their order
    std::vector<Digest> indices;         // what they were found in: uncompressed Sources files, in the store; sorted
};

} // namespace ashlar::fetch

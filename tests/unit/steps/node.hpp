#pragma once

// A node's disk in a file, and releases for it: everything real but the size and the firmware.

#include <signing/release.hpp>
#include <steps/node_steps.hpp>

#include <base/file.hpp>

#include <filesystem>
#include <string>

namespace lab {

namespace fs = std::filesystem;
using namespace ashlar;

// A root of `mib` MiB whose blocks follow from `seed`; two with the same seed differ where `change` says.
struct Root {
    std::string seed, change;
    unsigned mib = 8;
};

// A directory with a release of the role "base": index, UKI, full file, and deltas from others.
class Release {
public:
    Release(const fs::path& directory, std::string name, const Root& root, const Identity& signer);
    void add_delta_from(const Release& old) const;

    [[nodiscard]] upgrade::Installed installed() const { return {name, root_hash}; }
    [[nodiscard]] fs::path root() const { return directory / (name + ".root"); }
    [[nodiscard]] fs::path tree() const { return directory / (name + ".tree"); }
    [[nodiscard]] Bytes uki() const;
    void write_index() const;

    fs::path directory;
    std::string name;
    Digest root_hash;
    mutable ReleaseIndex index;
};

// Installed with a release, started from it.
class NodeDisk {
public:
    NodeDisk(const fs::path& directory, const Release& release);

    [[nodiscard]] steps::Node node(const upgrade::Installed& running) const;
    // The image that the boot loader would start, having counted the attempt; its root is verified.
    [[nodiscard]] std::string start();
    [[nodiscard]] fs::path esp() const { return directory / "esp"; }
    [[nodiscard]] fs::path disk() const { return directory / "disk.raw"; }
    [[nodiscard]] fs::path state() const { return directory / "state"; }

private:
    fs::path directory;
};

[[nodiscard]] const Identity& signer();
[[nodiscard]] const Identity& stranger();

} // namespace lab

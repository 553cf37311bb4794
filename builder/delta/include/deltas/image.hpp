#pragma once

// An image as `ashlar build` leaves it, opened for making deltas: its root in memory, its hash tree, and
// who owns which file.

#include <deltas/plan.hpp>

#include <evidence/manifest.hpp>
#include <signing/extent.hpp>
#include <signing/verity.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace ashlar::deltas {

class Image {
public:
    // `name`: the image, its manifest, or both names without their endings; as it is or in `directory`.
    // Throws Error `cannot make a delta with '<name>': …` when there is no such image, or no manifest beside
    // it, or the image is not sound: nothing is made of what nobody would start.
    Image(const std::filesystem::path& name, const std::filesystem::path& directory);
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
    ~Image();

    // The image without ".raw".
    [[nodiscard]] const std::filesystem::path& base() const noexcept { return base_; }
    [[nodiscard]] const evidence::Manifest& manifest() const noexcept { return manifest_; }
    [[nodiscard]] const Digest& root_hash() const noexcept { return manifest_.root_hash; }
    [[nodiscard]] const VerityParameters& verity() const noexcept { return verity_; }
    [[nodiscard]] const Side& side() const noexcept { return side_; }
    [[nodiscard]] FileExtent tree() const { return tree_; }
    // Empty: no package owns it, or nothing beside the image says so.
    [[nodiscard]] std::string package_of(const std::string& path) const;

private:
    void map_root(std::uint64_t offset, std::uint64_t size);
    void read_packages();

    std::filesystem::path base_;
    evidence::Manifest manifest_;
    Fd file_;
    FileExtent tree_{-1};
    VerityParameters verity_{Guid({}), {}};
    Side side_;
    std::map<std::string, std::string> packages_;
};

} // namespace ashlar::deltas

#pragma once

// What a bundle needs to know of a release that it carries: docs/formats/release.md.

#include <signing/digest.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::bundle {

struct ReleaseFile {
    std::string file;       // a name without '/', beside release.json
    std::uint64_t size = 0; // bytes
    Digest sha256;
    std::string kind; // "uki"
};

struct ReleaseImage {
    std::string role, architecture;
    std::vector<ReleaseFile> files;
};

struct Release {
    std::string path; // of its release.json, as a target: "trains/R1/R1.0/release.json"
    std::string release, train;
    std::string supported_until; // a day
    std::vector<std::string> previous;
    std::vector<ReleaseImage> images;
    std::vector<ReleaseFile> evidence;
    // The target that `file` is.
    [[nodiscard]] std::string path_of(const ReleaseFile& file) const;
};

// An Error for what is not there or has another type. Not the strict reader of the format: whoever calls has verified the
// text, and it may be of a later builder.
[[nodiscard]] Release release_of(std::string_view text, std::string_view path);

} // namespace ashlar::bundle

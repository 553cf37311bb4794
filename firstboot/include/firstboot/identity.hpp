#pragma once

// What a node is, as far as its image can tell: docs/formats/identity.md.
// The node's own key and its place in a site come with installation; here is only what is certain.

#include <filesystem>
#include <string>

namespace ashlar::firstboot {

struct Identity {
    std::string role; // VARIANT_ID of os-release, "base"
    std::string release; // IMAGE_VERSION, "R0.3"
    std::string architecture; // as Debian names it, "amd64"
    std::string boot_id; // of this boot, 32 hex digits
};

// Reads <root>/usr/lib/os-release and the running kernel's boot id. An image that is not Ashlar's
// (IMAGE_ID is another or missing), or that lacks role or release, is an Error.
[[nodiscard]] Identity read_identity(const std::filesystem::path& root);

// Writes <root>/run/ashlar/identity.json as a whole or not at all; returns its path.
std::filesystem::path write_identity(const std::filesystem::path& root, const Identity& identity);

} // namespace ashlar::firstboot

#pragma once

// A lock fixes every input of a train: docs/formats/lock.md. Same lock, same bytes.

#include <signing/digest.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::lock {

struct Index {
    std::string component; // "main"
    std::string path; // below the suite, as Release names it: "main/binary-amd64/Packages.xz"
    Digest sha256; // of that file as served
    std::uint64_t size = 0;
    Digest content_sha256; // of the uncompressed index
};

struct Suite {
    std::string archive; // recipe::Archive::name
    std::string suite; // "trixie-security"
    Digest in_release; // of the signed file
    std::vector<std::string> signers; // fingerprints of the keys that gpgv accepted
    std::int64_t date = 0; // Release's Date:, seconds since 1970
    std::optional<std::int64_t> valid_until;
    std::vector<Index> indices;
};

struct Package {
    std::string name, version, architecture;
    std::string archive, component;
    std::string path; // below the archive's root
    std::uint64_t size = 0;
    Digest sha256;
    std::string source, source_version;
    std::string maintainer, homepage;
    std::string file_name() const; // the last part of path
};

struct Lock {
    std::string train;
    std::string architecture;
    // The time of everything built from this lock: the newest Date: of its suites.
    std::int64_t epoch = 0;
    std::vector<Suite> suites;
    // Sorted by name, then version; each once.
    std::vector<Package> packages;
    // Role name → indices into `packages`, ascending.
    std::map<std::string, std::vector<std::size_t>> roles;
    // Things Ashlar compiled for the images, e.g. "ashlard" → digest of its .deb.
    std::map<std::string, Digest> outputs;

    [[nodiscard]] std::vector<const Package*> packages_of(const std::string& role) const; // Error when the role is not in it
};

[[nodiscard]] std::string to_text(const Lock& lock);
[[nodiscard]] Lock parse(std::string_view text, std::string_view name);
[[nodiscard]] Lock read(const std::filesystem::path& path);

} // namespace ashlar::lock

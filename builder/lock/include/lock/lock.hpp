#pragma once

// A lock fixes every input of a train: docs/formats/lock.md. Same lock, same bytes.

#include <signing/digest.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
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
    bool operator==(const Index&) const = default;
};

struct Suite {
    std::string archive; // recipe::Archive::name
    std::string suite; // "trixie-security"
    Digest in_release; // of the signed file
    std::vector<std::string> signers; // fingerprints of the keys that gpgv accepted, sorted
    std::int64_t date = 0; // Release's Date:, seconds since 1970
    std::optional<std::int64_t> valid_until;
    std::vector<Index> indices;
    bool operator==(const Suite&) const = default;
};

// A local folder of .debs: nobody signed it, so the lock itself is what it is held against.
struct Folder {
    std::string archive;
    Digest index; // of the Packages text that Ashlar makes from the folder
    bool operator==(const Folder&) const = default;
};

struct Package {
    std::string name, version, architecture;
    std::string archive, component;
    std::string path; // below the archive's root
    std::uint64_t size = 0;
    Digest sha256;
    std::string source, source_version;
    std::string maintainer, homepage;
    [[nodiscard]] std::string file_name() const; // the last part of path
    bool operator==(const Package&) const = default;
};

struct Lock {
    std::string train;
    std::string architecture;
    // The time of everything built from this lock: the newest Date: of its suites.
    std::int64_t epoch = 0;
    std::vector<Suite> suites; // sorted by archive, then suite
    std::vector<Folder> folders; // sorted by archive
    // Sorted by name, then version; each once.
    std::vector<Package> packages;
    // Role name → indices into `packages`, ascending.
    std::map<std::string, std::vector<std::size_t>> roles;
    // Things Ashlar compiled for the images, e.g. "ashlard" → digest of its .deb.
    std::map<std::string, Digest> outputs;

    [[nodiscard]] std::vector<const Package*> packages_of(const std::string& role) const; // Error when the role is not in it
    bool operator==(const Lock&) const = default;
};

// Sorts suites, folders, packages, signers and roles' indices, and joins packages that are there
// twice. to_text() does it by itself; whoever builds a Lock and uses it unwritten calls it.
void normalise(Lock& lock);

// The one text of a lock: parse(to_text(lock)) is the normalised lock, and parse() takes no other
// text. Both throw Error on a value that the format does not allow; parse() names the place.
[[nodiscard]] std::string to_text(const Lock& lock);
[[nodiscard]] Lock parse(std::string_view text, std::string_view name);
[[nodiscard]] Lock read(const std::filesystem::path& path);

} // namespace ashlar::lock

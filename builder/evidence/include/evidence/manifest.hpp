#pragma once

// The manifest beside an image: docs/formats/manifest.md. Whoever has it and the lock can say what an
// image is made of and whether a file is the one that was built.

#include <evidence/subject.hpp>
#include <image/inspect.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::evidence {

struct Artefact {
    std::string file; // name, in the directory of the manifest
    Digest sha256;
    std::uint64_t size = 0;
    bool operator==(const Artefact&) const = default;
};

struct ManifestPackage {
    std::string name, version, architecture, source, source_version;
    Digest sha256;                  // of the .deb
    std::vector<std::string> parts; // sorted
    bool operator==(const ManifestPackage&) const = default;
};

struct Manifest {
    std::string role, release, train, architecture;
    std::int64_t epoch = 0;
    std::string ashlar;
    Digest lock;
    Digest root_hash;
    std::string kernel;                    // version
    std::vector<std::string> command_line; // of the UKI, roothash= included
    Digest unsigned_uki;                   // SHA-256 before any signature was added
    Digest authenticode;                   // the UKI's: what a dbx would list
    // Kind → file: "disk" always; "root", "verity", "uki", "esp", "spdx", "cyclonedx", "packages" as there are.
    std::map<std::string, Artefact> artefacts;
    std::vector<ManifestPackage> packages; // sorted by name, then version
    std::optional<Digest> trusted_root;    // of /usr/lib/ashlar/trust/root.json in the image; nothing: it brings none
    bool operator==(const Manifest&) const = default;
};

// The packages of all parts, each once.
[[nodiscard]] std::vector<ManifestPackage> packages_of(const Subject& subject);

// One text for one manifest. parse() takes what to_text() writes; unknown and missing keys, other
// types and other format numbers are Errors that name the place.
[[nodiscard]] std::string to_text(const Manifest& manifest);
[[nodiscard]] Manifest parse_manifest(std::string_view text, std::string_view name);

// Where an inspected image is not what its manifest says, as sentences; empty: it is.
// `disk`: SHA-256 of the image file; nothing where its whole content is not asked for.
[[nodiscard]] std::vector<std::string> compare(const Manifest& manifest, const image::Inspection& inspection,
                                               const std::optional<Digest>& disk);

// Where the files beside the manifest, all of its artefacts but the disk and the lock, are not what it
// says, as sentences that name the file; a file that is not there is one. `directory`: the manifest's.
[[nodiscard]] std::vector<std::string> compare_files(const Manifest& manifest, const std::filesystem::path& directory);

} // namespace ashlar::evidence

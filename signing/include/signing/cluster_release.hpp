#pragma once

// A release of the whole cluster: docs/formats/release.md. Which images, which versions of what runs in them, from where
// one may come to it, and in which order it is rolled out.
//
// Nothing is verified here: the text is a target of its train's role (docs/formats/trust.md), and is to be believed only
// when length and digest were checked there.

#include <base/day.hpp>
#include <base/release_version.hpp>
#include <signing/digest.hpp>
#include <signing/release.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar {

enum class FileKind { uki, full, delta, manifest, spdx, cyclonedx, packages, lock, tree };
enum class EvidenceKind { lock, sources, licences, notes, self_description };
[[nodiscard]] std::string_view to_string(FileKind kind) noexcept;
[[nodiscard]] std::string_view to_string(EvidenceKind kind) noexcept;

// A file beside the release.
template <typename Kind> struct NamedFile {
    std::string file;       // a name without '/'
    std::uint64_t size = 0; // bytes
    Digest sha256;
    Kind kind{};
    bool operator==(const NamedFile&) const = default;
};
using ImageFile = NamedFile<FileKind>;
using EvidenceFile = NamedFile<EvidenceKind>;

struct ReleaseImage {
    std::string role, architecture;
    Digest manifest; // SHA-256 of the file of kind `manifest`
    ReleaseIndex index;
    std::vector<ImageFile> files; // by name; what `index` names is among them
    bool operator==(const ReleaseImage&) const = default;
};

// Software of which a cluster has several instances that talk to each other.
struct ReleaseComponent {
    std::string name;
    std::string version;                  // upstream's
    std::string package, package_version; // where it was read
    std::vector<std::string> roles;       // sorted
    std::string maintainer;
    std::optional<Day> maintained_until; // nothing: nobody says
    bool operator==(const ReleaseComponent&) const = default;
};

struct Support {
    Day from, until; // both inclusive
    bool operator==(const Support&) const = default;
};

// Roles that take a release at the same time, once the gates hold.
struct Wave {
    std::vector<std::string> roles, gates;
    bool operator==(const Wave&) const = default;
};

// A point of no return.
struct Barrier {
    std::string name, component, summary;
    bool operator==(const Barrier&) const = default;
};

// What the cut would have refused, and why it did not.
struct Acceptance {
    std::string rule, subject, reason;
    bool operator==(const Acceptance&) const = default;
};

struct ClusterRelease {
    ReleaseVersion release;
    std::int64_t epoch = 0; // seconds since 1970
    std::string ashlar;     // version of the builder
    Support support;
    std::vector<ReleaseImage> images;         // by role, then architecture
    std::vector<ReleaseComponent> components; // by name
    std::vector<ReleaseOrigin> previous;      // oldest first
    std::vector<ReleaseVersion> floors;       // oldest first
    std::vector<Wave> order;                  // each role once; empty: all at once
    std::vector<Barrier> barriers;
    std::vector<Acceptance> accept;       // by rule, then subject
    std::vector<EvidenceFile> evidence; // by name
    bool operator==(const ClusterRelease&) const = default;

    [[nodiscard]] const ReleaseImage* image(std::string_view role, std::string_view architecture) const noexcept;
    [[nodiscard]] const ReleaseComponent* component(std::string_view name) const noexcept;
};

// Brings all lists that have an order of their own into it.
void sort(ClusterRelease& release);

// One release has one text. An Error for what parse_cluster_release() would refuse; the lists need not be sorted.
[[nodiscard]] std::string cluster_release_text(ClusterRelease release);
// Throws `cannot read the release '<name>': …` for unknown and missing keys, other types, contradictions (an index that
// names a file that the image does not have, a file named twice, an image of another release), and any other text than
// the one that the release has.
[[nodiscard]] ClusterRelease parse_cluster_release(std::string_view text, std::string_view name);

// May a node that has `installed` go to a release? The security floor and revocations are asked elsewhere: they are
// newer than the release.
struct StepAllowed {};
struct AlreadyInstalled {};
struct StepRefused {
    std::string cause;  // "R2.0 is reached from R1 only, not from R0.3"
    std::string remedy; // "install R1.0 first"
    bool operator==(const StepRefused&) const = default;
};
using Step = std::variant<StepAllowed, AlreadyInstalled, StepRefused>;
[[nodiscard]] Step step_from(std::string_view installed, const ClusterRelease& release);

} // namespace ashlar

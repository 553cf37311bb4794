#pragma once

// What recipes say, after `extends` is followed and everything was checked. docs/formats/recipe.md
// and docs/formats/train.md are the text formats. A model is immutable once loaded.

#include <recipe/places.hpp>

#include <base/release_version.hpp>
#include <signing/cluster_release.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::recipe {

// What a root is for. Only `node` becomes a disk image; the others are roots that Ashlar itself
// uses: the initrd's content, the tools that make images, the root that compiles ashlard.
enum class Kind { node, initrd, tools, build };
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

// What a service keeps although the root is read-only. firstboot binds it from /var at each boot.
struct StateEntry {
    std::string path;  // absolute, in the image; no entry lies inside another
    std::string owner; // "user:group" by name, must be in the ledger
    unsigned mode = 0755;
    enum class Type { directory, file } type = Type::directory;
    bool operator==(const StateEntry&) const = default;
};

// Owner and mode of a file of an overlay where root:root and 0644 (0755 for a file that is
// executable, and for a directory) do not fit.
struct FileEntry {
    std::string path;  // absolute, in the image; it is in one of the role's overlays
    std::string owner; // "user:group"; empty = root:root
    std::optional<unsigned> mode;
    bool operator==(const FileEntry&) const = default;
};

struct Kernel {
    std::string package;                     // e.g. "linux-image-cloud-amd64"
    std::vector<std::string> command_line;   // words, in order; `roothash=` is added by the build
    std::vector<std::string> rescue;         // words that the rescue entry has behind those; none: no such entry
    std::vector<std::string> initrd_modules; // by module name; dependencies follow by themselves
    std::vector<std::string> microcode;      // packages, e.g. "intel-microcode"
};

struct Limits {
    std::optional<std::uint64_t> root;           // bytes of the EROFS image
    std::optional<std::uint64_t> uki;            // bytes of the signed UKI
    std::optional<std::uint64_t> boot_partition; // bytes of the ESP; absent = computed
};

// "name" or "name=version", taken apart. Views into the text.
struct PackageWish {
    std::string_view name;
    std::string_view version; // empty = any
};
[[nodiscard]] PackageWish parse_wish(std::string_view text) noexcept;

struct Role {
    std::string name;
    std::string summary;
    Kind kind = Kind::node;
    std::vector<std::string> lineage;            // this role last, each behind all that it extends
    std::vector<std::string> packages;           // ancestors' first, in the order written; "name" or "name=version"
    std::vector<std::string> exclude;            // never installed; a need for one is a conflict that says so
    std::vector<std::string> components;         // beside "main", e.g. "non-free-firmware": a named opt-in
    std::vector<std::string> services;           // units enabled by preset; everything else is off
    std::vector<std::string> formations;         // by name; the image carries them, and their own files say where they run
    std::vector<std::filesystem::path> overlays; // absolute directories, in order; later ones win
    std::vector<FileEntry> files;
    std::vector<std::string>
        drop;           // patterns of paths left out of the image; the last that matches decides, "!…" takes back
    std::string initrd; // name of a role of kind initrd; empty only where kind != node
    std::optional<Kernel> kernel; // always there where kind == node, and only there
    Limits limits;
    std::vector<StateEntry> state;
    std::vector<std::string> waived_firmware;     // modules whose missing firmware is accepted by name
    std::map<std::string, std::string> providers; // virtual package → chosen provider
    bool strict_providers = false;
    Places places;

    // All that is to be installed: the kernel's package, microcode, then `packages`.
    [[nodiscard]] std::vector<std::string> wanted() const;
    // Where one of these was written, by its name without a version.
    [[nodiscard]] const toml::Position& where_wanted(std::string_view name_of_it) const;
    [[nodiscard]] const toml::Position& where(Element element, std::string_view name_of_it) const {
        return places.where(element, name_of_it);
    }
};

// One archive of a train: where packages come from, never from which host.
struct Archive {
    std::string name; // "debian", "debian-security": what --mirror and the machine's APT sources are matched by
    std::vector<std::string> suites;
    std::vector<std::string> components;
    std::vector<std::filesystem::path> keys; // absolute paths of ASCII-armoured OpenPGP certificates
    int priority = 500;                      // as in apt_preferences(5)
    std::optional<std::filesystem::path>
        folder;              // absolute; a local folder of .debs: then suites, components, keys are empty
    toml::Position position; // of the name
};

struct Pin {
    std::vector<std::string> packages; // names or globs
    std::string archive;               // empty = any
    std::string suite;                 // empty = any
    std::string version;               // empty = any; otherwise a glob
    int priority = 0;
    toml::Position position; // of its header
};

// What a cut is not to refuse.
struct AcceptedWord : Acceptance {
    toml::Position position; // of its header
};

struct Train {
    std::string name; // "R0"
    std::string summary;
    std::string release;            // version of what is built now, "R0.0"
    std::string architecture;       // "amd64"
    std::vector<std::string> roles; // what --all builds
    std::string tools;              // role of kind tools
    std::string build;              // role of kind build
    std::vector<Archive> archives;
    std::vector<Pin> pins;
    unsigned sbat_generation = 1; // of "ashlar.<role>" in each UKI; docs/formats/uki.md

    // Of the release that is cut next: docs/formats/release.md.
    std::optional<Support> support;
    std::vector<ReleaseOrigin> previous; // oldest first
    std::vector<ReleaseVersion> floors;  // oldest first
    std::vector<Wave> order;
    std::vector<Barrier> barriers;
    std::vector<AcceptedWord> accept;
    std::optional<std::uint64_t> delta_budget;   // bytes that a role's delta may have
    std::optional<std::filesystem::path> policy; // absolute: which licences and vulnerabilities refuse a release

    // Element::role, tools, build, architecture; Element::suite, component and key by "<archive>/<name>".
    Places places;

    [[nodiscard]] const toml::Position& where(Element element, std::string_view name_of_it) const {
        return places.where(element, name_of_it);
    }
};

// SourceError when the role asks for a component that no archive of the train offers.
void require_compatible(const Role& role, const Train& train);

} // namespace ashlar::recipe

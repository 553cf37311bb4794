#pragma once

// What changes from one set of images to another. Pure: everything is in the facts.

#include <facts/image_facts.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::diff {

using facts::Accounts, facts::Ids, facts::ImageFacts, facts::KernelOptions, facts::Unit;

struct PackageChange {
    // `rebuilt`: the same version with other bytes.
    enum class Kind { added, removed, upgraded, downgraded, rebuilt } kind;
    std::string name, source;
    std::string old_version, new_version; // empty where there is none
    bool operator==(const PackageChange&) const = default;
};

// The packages of one source package that changed.
struct SourceChange {
    PackageChange::Kind kind; // of the source's version; `rebuilt`: it has not changed
    std::string source;
    std::string old_version, new_version; // of the source; the newest where there are several
    std::vector<PackageChange> packages;
    bool operator==(const SourceChange&) const = default;
};

struct FileChange {
    enum class Kind { added, removed, changed } kind;
    std::string path, package;
    std::vector<std::string> what; // of a changed one: contents, type, mode, owner, target, attributes
    bool own = false;              // its package has not changed, or it has none: recipes, overlays or scripts did it
    bool operator==(const FileChange&) const = default;
};

// A file that gives whoever runs it other rights than their own: set-uid, set-gid, capabilities.
struct PrivilegeChange {
    std::string path, package;
    std::string before, after; // "4755 root:root", "0755 root:root cap_net_raw=ep"; empty: it gives none
    bool operator==(const PrivilegeChange&) const = default;
};

struct UnitChange {
    std::string name, package;
    std::string before, after; // "absent", "off", "on", "masked"
    std::vector<std::string> listens;
    bool operator==(const UnitChange&) const = default;
};

struct AccountChange {
    enum class Kind { user, group } kind;
    std::string name;
    std::optional<std::uint32_t> before, after;
    [[nodiscard]] bool moved() const noexcept { return before && after; }
    bool operator==(const AccountChange&) const = default;
};

struct OptionChange {
    std::string name;
    std::string before, after; // empty: the option is not there
    bool operator==(const OptionChange&) const = default;
};

struct SizeChange {
    std::string name; // "root file system", "UKI", "disk image", a source package
    std::uint64_t before = 0, after = 0;
    [[nodiscard]] std::int64_t growth() const noexcept { return static_cast<std::int64_t>(after) - static_cast<std::int64_t>(before); }
    bool operator==(const SizeChange&) const = default;
};

struct Transfer {
    std::string file;
    std::uint64_t size = 0;
    bool operator==(const Transfer&) const = default;
};

struct ImageDifference {
    std::string role, architecture;
    std::vector<SourceChange> sources;
    std::vector<FileChange> files;
    std::vector<PrivilegeChange> privileges;
    std::vector<UnitChange> units;
    std::vector<AccountChange> accounts;
    std::string old_kernel, new_kernel;
    std::vector<OptionChange> kernel_options;
    std::vector<std::string> words_added, words_removed; // of the command line, but for roothash=
    std::vector<SizeChange> sizes;
    std::vector<SizeChange> growth; // by source package, what changed most first
    std::vector<Transfer> transfers; // what nodes fetch, as far as it lies beside the new image
    std::vector<std::string> unknown; // what could not be compared, as sentences

    [[nodiscard]] bool operator==(const ImageDifference&) const = default;
};

struct ReleaseDifference {
    std::string old_release, new_release;
    std::vector<ImageDifference> images;                 // by role, then architecture
    std::vector<std::string> added_images, removed_images; // "compute (amd64)"
};

[[nodiscard]] ImageDifference compare(const ImageFacts& before, const ImageFacts& after);
// Images are paired by role and architecture. Error when a side has two of one role, or nothing pairs.
[[nodiscard]] ReleaseDifference compare_releases(const std::vector<ImageFacts>& before, const std::vector<ImageFacts>& after);

// "added", "upgraded", …
[[nodiscard]] std::string_view name_of(PackageChange::Kind kind) noexcept;
[[nodiscard]] std::string_view name_of(FileChange::Kind kind) noexcept;
[[nodiscard]] std::string_view name_of(AccountChange::Kind kind) noexcept;

} // namespace ashlar::diff

#pragma once

// What is known about one image from the files that a build leaves: manifest, record of the root, and,
// where it is there, the disk image. Whoever compares releases starts from this.

#include <facts/root_files.hpp>

#include <evidence/manifest.hpp>
#include <pipeline/tree_record.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::facts {

// Name → number.
using Ids = std::map<std::string, std::uint32_t>;
struct Accounts {
    Ids users, groups;
};

// A service, socket, timer or path unit.
struct Unit {
    enum class State { off, on, masked } state = State::off; // `on`: another unit wants or requires it
    std::set<std::string> wanted_by;                         // "multi-user.target"
    std::string package;
    std::vector<std::string> listens; // of a socket that is on: "[::]:22", where that is known
    bool operator==(const Unit&) const = default;
};

// CONFIG_… → y, m, n ("is not set"), or a value.
using KernelOptions = std::map<std::string, std::string>;

struct ImageFacts {
    std::filesystem::path base; // the path without endings
    evidence::Manifest manifest;
    pipeline::TreeRecord tree; // sorted by path
    std::map<std::string, Unit> units;
    // Nothing: neither the record nor a disk image says it.
    std::optional<Accounts> accounts;
    std::optional<KernelOptions> kernel_options;
    std::shared_ptr<const RootFiles> root; // null: no disk image lies beside the manifest

    // In the root file system; null: it is not there.
    [[nodiscard]] const evidence::ManifestPackage* package(std::string_view name) const noexcept;
    // `path` without leading slash; null: there is no such entry.
    [[nodiscard]] const pipeline::EntryRecord* entry(std::string_view path) const noexcept;
    // Files with a set-uid or set-gid bit, by path.
    [[nodiscard]] std::vector<const pipeline::EntryRecord*> set_id_files() const;
    // Sockets and services that start by themselves: linked into a .wants or .requires directory, and not masked. Sorted.
    [[nodiscard]] std::vector<std::string> started_units() const;
    // The contents of a file of the root; nothing when there is no such file or nobody has its contents.
    // Error when they are not what the record says.
    [[nodiscard]] std::optional<std::string> text_of(std::string_view path) const;
    [[nodiscard]] std::string name() const { return base.filename().native(); }
};

// An image's path, with or without ending, as it is or in `directory`; a directory: all images in it; a
// release: all its images in `directory`. Paths without endings, sorted. Error when there is none.
[[nodiscard]] std::vector<std::filesystem::path> find_images(const std::filesystem::path& name, const std::filesystem::path& directory);

// What manifest and record alone say; `root` where there is a disk image as well.
[[nodiscard]] ImageFacts facts_of(evidence::Manifest manifest, pipeline::TreeRecord tree, std::shared_ptr<const RootFiles> root = nullptr);
// Error when manifest or record are missing or are not what they should be.
[[nodiscard]] ImageFacts read_image(const std::filesystem::path& base);
[[nodiscard]] std::vector<ImageFacts> read_images(const std::vector<std::filesystem::path>& bases);

// The parts that are text, for whoever has them from elsewhere.
[[nodiscard]] Ids parse_ids(std::string_view passwd_or_group);
[[nodiscard]] KernelOptions parse_kernel_options(std::string_view config);
[[nodiscard]] std::vector<std::string> listens_of(std::string_view socket_unit);
[[nodiscard]] std::map<std::string, Unit> units_of(const pipeline::TreeRecord& tree);

} // namespace ashlar::facts

#pragma once

// What is known of one image from the files beside it: its manifest (docs/formats/manifest.md) and every entry of its root
// (docs/formats/tree.md). Whoever compares releases starts from this.

#include <evidence/manifest.hpp>
#include <pipeline/tree_record.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::facts {

struct ImageFacts {
    evidence::Manifest manifest;
    pipeline::TreeRecord tree; // sorted by path

    // In the root file system; null: it is not there.
    [[nodiscard]] const evidence::ManifestPackage* package(std::string_view name) const noexcept;
    // `path` without leading slash; null: there is no such entry.
    [[nodiscard]] const pipeline::EntryRecord* entry(std::string_view path) const noexcept;
    // Files with a set-uid or set-gid bit, by path.
    [[nodiscard]] std::vector<const pipeline::EntryRecord*> set_id_files() const;
    // Sockets and services that start by themselves: linked into a .wants or .requires directory, and not masked. Sorted.
    [[nodiscard]] std::vector<std::string> started_units() const;
};

// Throws Error when one of the texts is none such. Names are for messages.
[[nodiscard]] ImageFacts image_facts(std::string_view manifest, std::string_view manifest_name, std::string_view tree, std::string_view tree_name);
// `manifest`: its file; the tree is beside it, "….tree.json".
[[nodiscard]] ImageFacts read_image_facts(const std::filesystem::path& manifest);

} // namespace ashlar::facts

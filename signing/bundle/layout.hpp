#pragma once

// Names of a bundle's entries, and their order: what reader and writer must agree on.

#include <bundle/reader.hpp>

#include <tuf/updater.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::bundle {

inline constexpr std::string_view readme_name = "README.md";
inline constexpr std::uint64_t most_readme_bytes = std::uint64_t{1} << 20U, most_release_bytes = std::uint64_t{16} << 20U, most_metadata_bytes = std::uint64_t{64} << 20U;
inline constexpr std::size_t most_roots = tuf::most_root_rotations;

[[nodiscard]] std::string root_place(std::uint64_t version);
[[nodiscard]] std::string manifest_place(std::string_view train);
// Nothing when it is no manifest's.
[[nodiscard]] std::optional<std::string> train_of(std::string_view manifest_place);
// "bundle-R1.json" of "metadata/bundle-R1.json".
[[nodiscard]] std::string_view name_in_metadata(std::string_view place);

// What the manifest names, in its order. An Error for a name that leaves the directory, and for one without SHA-256 or length.
struct Named {
    std::string place;
    std::uint64_t length = 0;
    Digest sha256;
};
[[nodiscard]] std::vector<Named> metadata_of(const tuf::Bundle& manifest);

// The time of all entries.
[[nodiscard]] std::int64_t time_of(const tuf::Bundle& manifest);

// The target as trusted metadata has it; an Error for a path that leaves its directory.
[[nodiscard]] std::optional<Item> item_of(tuf::Updater& updater, std::string_view path);
// All that the manifest lists, in the order of the bundle, without offsets. An Error when no trusted role names one.
[[nodiscard]] std::vector<Item> items_of(tuf::Updater& updater, const tuf::Bundle& manifest);
[[nodiscard]] bool is_release(const Item& item);
// The manifest's `roles` and `sources`, which are no members that other readers need.
[[nodiscard]] std::optional<std::vector<std::string>> roles_of(std::string_view manifest_text);
[[nodiscard]] std::optional<std::vector<std::string>> sources_of(std::string_view manifest_text);

} // namespace ashlar::bundle

#include "layout.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace {

constexpr std::string_view metadata_directory = "metadata/", targets_directory = "targets/", manifest_prefix = "metadata/bundle-", json_ending = ".json";
constexpr std::size_t longest_path = 1024, longest_part = 255, longest_train = 32;

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

// A part of a path that names something below where it stands, and is not hidden.
bool is_part(std::string_view part) { return !part.empty() && part.size() <= longest_part && part.front() != '.'; }

bool is_path(std::string_view path) { return path.size() <= longest_path && is_printable(path) && std::ranges::all_of(split(path, '/'), is_part); }

bool is_train(std::string_view train) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; };
    return is_part(train) && train.size() <= longest_train && std::ranges::all_of(train, allowed);
}

Named named(std::string_view file, const tuf::FileMeta& meta) {
    const auto refused = [&](std::string_view cause) { return Error(fmt::format("cannot use the manifest: '{}' {}", file, cause)); };
    if (!is_part(file) || !is_printable(file) || file.find('/') != file.npos || !file.ends_with(json_ending)) throw refused("is no name of a metadata file");
    const auto hash = meta.hashes.find("sha256");
    const auto digest = hash == meta.hashes.end() ? std::nullopt : Digest::from_hex(hash->second);
    if (!digest) throw refused("has no SHA-256");
    if (!meta.length || *meta.length == 0 || *meta.length > tuf::most_targets_bytes) throw refused("has no length that a metadata file may have");
    return {fmt::format("{}{}.{}", metadata_directory, meta.version, file), *meta.length, *digest};
}

std::optional<std::vector<std::string>> texts_of(std::string_view manifest_text, const char* key) {
    const Json manifest = tuf::parse_envelope(manifest_text, "the manifest").signed_part;
    const auto texts = manifest.find(key);
    if (texts == manifest.end()) return std::nullopt;
    try {
        return texts->get<std::vector<std::string>>();
    } catch (const Json::exception&) {
        throw Error(fmt::format("cannot use the manifest: its '{}' are not a list of texts", key));
    }
}

} // namespace

std::string root_place(std::uint64_t version) { return fmt::format("{}{}.root.json", metadata_directory, version); }

std::string manifest_place(std::string_view train) { return fmt::format("{}{}{}", manifest_prefix, train, json_ending); }

std::optional<std::string> train_of(std::string_view place) {
    if (!place.starts_with(manifest_prefix) || !place.ends_with(json_ending) || place.size() <= manifest_prefix.size() + json_ending.size()) return std::nullopt;
    const std::string_view train = place.substr(manifest_prefix.size(), place.size() - manifest_prefix.size() - json_ending.size());
    return is_train(train) ? std::optional(std::string(train)) : std::nullopt;
}

std::string_view name_in_metadata(std::string_view place) { return place.substr(metadata_directory.size()); }

std::vector<Named> metadata_of(const tuf::Bundle& manifest) {
    std::vector<Named> all;
    std::uint64_t bytes = 0;
    for (const auto& [file, meta] : manifest.meta) {
        all.push_back(named(file, meta));
        bytes += all.back().length;
    }
    if (bytes > most_metadata_bytes) throw Error(fmt::format("cannot use the manifest: it names more than {} bytes of metadata", most_metadata_bytes));
    return all;
}

std::int64_t time_of(const tuf::Bundle& manifest) { return manifest.issued ? manifest.issued->time_since_epoch().count() : 0; }

std::optional<Item> item_of(tuf::Updater& updater, std::string_view path) {
    if (!is_path(path)) throw Error(fmt::format("cannot use the target '{}': it is no path below targets/", path));
    const auto found = updater.find(path);
    if (!found) return std::nullopt;
    return Item{.path = std::string(path),
                .place = std::string(targets_directory) + tuf::place_of(path, found->target, tuf::Naming::consistent),
                .length = found->target.length,
                .sha256 = found->target.sha256()};
}

std::vector<Item> items_of(tuf::Updater& updater, const tuf::Bundle& manifest) {
    std::vector<Item> items;
    for (const std::string& path : manifest.targets) {
        auto item = item_of(updater, path);
        if (!item) throw Error(fmt::format("cannot use the manifest: no role that is trusted has a target '{}'", path));
        items.push_back(std::move(*item));
    }
    std::stable_partition(items.begin(), items.end(), is_release); // clang 14, which fuzzes, cannot compile that of std::ranges
    return items;
}

bool is_release(const Item& item) { return item.path.ends_with("/release.json"); }

std::optional<std::vector<std::string>> roles_of(std::string_view manifest_text) { return texts_of(manifest_text, "roles"); }
std::optional<std::vector<std::string>> sources_of(std::string_view manifest_text) { return texts_of(manifest_text, "sources"); }

} // namespace ashlar::bundle

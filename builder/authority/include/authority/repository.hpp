#pragma once

// A repository of releases, as its owner sees it: plain files, docs/formats/trust.md. What is published is never changed, only
// followed by a higher version.

#include <tuf/metadata.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::authority {

class Repository {
public:
    // `directory` need not be there yet.
    explicit Repository(std::filesystem::path directory) : directory_(std::move(directory)) {}

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

    // The newest of each; nothing where there is none.
    [[nodiscard]] std::optional<std::uint64_t> version(std::string_view role) const;
    [[nodiscard]] std::optional<std::string> text(std::string_view role) const;
    [[nodiscard]] std::string root_text(std::uint64_t version) const;
    [[nodiscard]] std::optional<tuf::Root> root() const;
    [[nodiscard]] std::optional<tuf::Targets> targets(std::string_view role) const; // "targets", "train-R1"
    [[nodiscard]] std::optional<tuf::Snapshot> snapshot() const;
    [[nodiscard]] std::optional<tuf::Bundle> bundle(std::string_view train) const;

    // "metadata/2.targets.json", "metadata/timestamp.json", "metadata/bundle-R1.json"
    [[nodiscard]] std::filesystem::path metadata_file(std::string_view role, std::uint64_t version) const;
    // Whole, and on the disk, when this returns.
    void publish(std::string_view role, std::uint64_t version, std::string_view text) const;

    // Where a target lies.
    [[nodiscard]] std::filesystem::path target_file(std::string_view path, const tuf::Target& target) const;
    // Copies (or links) a file to its place; nobody sees it before metadata names it.
    tuf::Target add_target(std::string_view path, const std::filesystem::path& file) const;
    tuf::Target add_target_text(std::string_view path, std::string_view text) const;

private:
    std::filesystem::path directory_;
};

} // namespace ashlar::authority

#pragma once

// The content-addressed store, shared by all builds of a user: docs/formats/store.md.
//
//   <root>/blobs/ab/abcd…          files by SHA-256: packages, indices
//   <root>/stages/<stage>/<key>/   results of stages; a directory that is there is complete
//   <root>/tmp/<pid>-…             work in progress; swept when its process is gone
//
// Several processes may use it at once. What is visible under its name is complete and verified.

#include <base/file.hpp>
#include <signing/digest.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::store {

class Store {
public:
    // Creates the directories; sweeps what dead processes left in tmp/.
    explicit Store(std::filesystem::path root);

    [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }

    // The blob's path when it is there.
    [[nodiscard]] std::optional<std::filesystem::path> find(const Digest& digest) const;
    // Where a blob is, or will be.
    [[nodiscard]] std::filesystem::path blob_path(const Digest& digest) const;
    // Moves a file that was written under temporary() and whose digest the caller has computed.
    std::filesystem::path adopt(const std::filesystem::path& file, const Digest& digest);
    // Hashes and copies.
    Digest insert(const std::filesystem::path& file);
    Digest insert_text(std::string_view text);

    // A directory for work in progress on the store's file system.
    [[nodiscard]] TemporaryDirectory temporary() const;

    // The result directory of a stage: made by `make` in a temporary directory and renamed when it
    // returns; when it is there already `make` does not run. One process at a time per key.
    std::filesystem::path stage(std::string_view stage, const Digest& key,
                                const std::function<void(const std::filesystem::path& output)>& make);
    [[nodiscard]] bool has_stage(std::string_view stage, const Digest& key) const;

private:
    std::filesystem::path root_;
};

// $ASHLAR_STORE, else /var/cache/ashlar for root, else $XDG_CACHE_HOME/ashlar or ~/.cache/ashlar.
[[nodiscard]] std::filesystem::path default_root();

} // namespace ashlar::store

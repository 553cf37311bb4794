#pragma once

// From a repository to what is believed of it: the client's workflow (TUF specification, 5). What was trusted is kept in a
// store, so that nobody can go back behind it, and is replaced file by file as each is verified.

#include <tuf/trusted.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::tuf {

// Where metadata comes from: a directory, a web server, a bundle.
class Repository {
public:
    virtual ~Repository() = default;
    // The whole of `name` ("timestamp.json", "2.root.json"); nothing when it is not there. MetadataError (endless) for more
    // than `most` bytes. A failure to ask is an Error: what is not there and what cannot be had are two things.
    [[nodiscard]] virtual std::optional<std::string> metadata(std::string_view name, std::uint64_t most) = 0;
};

// What was trusted, by role: "root", "timestamp", "snapshot", "targets", "train-R1", "bundle-R1".
// Whoever can write there is believed.
class Store {
public:
    virtual ~Store() = default;
    [[nodiscard]] virtual std::optional<std::string> load(std::string_view role) const = 0;
    // On the disk when this returns, whole or not at all.
    virtual void save(std::string_view role, std::string_view text) = 0;
    virtual void remove(std::string_view role) = 0;
};

// The files of a directory, a repository's "metadata/", under the names that are asked for.
class DirectoryRepository final : public Repository {
public:
    explicit DirectoryRepository(std::filesystem::path directory) : directory_(std::move(directory)) {}
    [[nodiscard]] std::optional<std::string> metadata(std::string_view name, std::uint64_t most) override;

private:
    std::filesystem::path directory_;
};

// Files "<role>.json" in a directory that is there.
class DirectoryStore final : public Store {
public:
    explicit DirectoryStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
    [[nodiscard]] std::optional<std::string> load(std::string_view role) const override;
    void save(std::string_view role, std::string_view text) override;
    void remove(std::string_view role) override;

private:
    [[nodiscard]] std::filesystem::path file_of(std::string_view role) const;
    std::filesystem::path directory_;
};

struct UpdaterOptions {
    Time now; // the clock, but not before the node's floor
    // The train whose bundle is read where a repository has no timestamp, "R1".
    std::optional<std::string> train;
    std::optional<std::uint64_t> stale; // of a bundle: Trusted::update_bundle
};

// For one run.
class Updater {
public:
    // `store` must hold a root: the image's, the first time.
    Updater(Repository& repository, Store& store, UpdaterOptions options);

    // Root chain, then timestamp and snapshot, or a bundle's manifest; then targets. What was verified before it throws stays
    // stored.
    void refresh();
    // The target, with the delegated metadata it needs. Nothing: no trusted role names it. After refresh().
    [[nodiscard]] std::optional<Trusted::Found> find(std::string_view path);
    // A delegated role of "targets" with no target in mind, "train-R1": for its terms. An Error when there is no such role.
    const Targets& role(std::string_view name);
    [[nodiscard]] const Trusted& trusted() const noexcept { return trusted_; }

private:
    void walk_roots();
    void forget_rotated(const Root& before);
    void take_timestamp(std::string_view text);
    void take_snapshot();
    void take_bundle();
    void load(const std::string& role, const std::string& parent);
    [[nodiscard]] bool load_stored(const std::string& role, const std::string& parent);
    [[nodiscard]] std::string versioned(std::string_view role, std::uint64_t version) const;
    [[nodiscard]] std::string demand(const std::string& name, std::uint64_t most);

    Repository& repository_;
    Store& store_;
    UpdaterOptions options_;
    Trusted trusted_;
};

// A role's name as a part of a file's name: all but letters, digits and "-._~" is written "%2F". With the version, as a
// repository with consistent snapshots has it: "3.train-R1.json".
[[nodiscard]] std::string file_name_of(std::string_view role);
[[nodiscard]] std::string file_name_of(std::string_view role, std::uint64_t version);

// Where a target lies, below "targets/": "trains/R1/R1.0/<sha256>.release.json" in a consistent snapshot. An Error for paths
// that are not plain and relative.
enum class Naming { plain, consistent };
[[nodiscard]] std::string place_of(std::string_view path, const Target& target, Naming naming);

// Looks at a target's bytes as they pass. Nothing is true of them before finish().
class TargetCheck {
public:
    // An Error for a target without SHA-256.
    TargetCheck(std::string_view path, const Target& target);
    // Throws MetadataError (endless) at the first byte too many.
    void update(ByteView bytes);
    // Throws MetadataError (mismatch) unless they were the target's bytes, all of them.
    void finish();

private:
    std::string path_;
    std::uint64_t length_, seen_ = 0;
    Digest wanted_;
    Hasher hasher_;
};

} // namespace ashlar::tuf

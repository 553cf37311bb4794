#pragma once

// The content-addressed store, shared by all builds of a user: docs/formats/store.md.
//
//   <root>/blobs/ab/abcd…           files by SHA-256: packages, indices; read-only. The directory's lock is
//                                   the gate (gate.hpp), also for a store that has it by a symbolic link
//   <root>/stages/<stage>/<key>/output/   results of stages; a directory that is there is complete
//   <root>/partial/abcd…            the beginning of a blob whose transfer was cut off
//   <root>/tmp/<name>, <name>.lock  work in progress; swept when nobody holds the lock any more
//   <root>/locks/<stage>-<key>      held while a stage is being made
//   <root>/sessions/<name>          held by each process that uses the store: session.hpp
//   <root>/roots/<name>             what must stay, and why: roots.hpp
//   <root>/quarantine/<name>        what was found damaged: verification.hpp
//
// Several processes and threads may use one store at once, while others remove from it: collection.hpp.
// What is visible under its name is complete, also after SIGKILL or a full disk. A power cut is another
// matter: nothing is synced, so after one run verify().

#include <store/claim.hpp>
#include <store/gate.hpp>
#include <store/session.hpp>

#include <base/file.hpp>
#include <signing/digest.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::store {

// A directory for work in progress on the store's file system, removed when this goes. If the
// process dies first, the next Store removes it: the claim is what tells the living from the dead.
class Workspace {
public:
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    Workspace(Workspace&& other) noexcept;
    Workspace& operator=(Workspace&&) = delete;
    ~Workspace();

private:
    friend class Store;
    Workspace(std::filesystem::path path, Claim claim);

    std::filesystem::path path_;
    std::optional<Claim> claim_;
};

// The beginning of a blob, owned by one process at a time. Whoever completes it gives `path` to
// Store::adopt(); otherwise it stays for the next run.
struct Partial {
    std::filesystem::path path; // may not exist yet
    Claim claim;
};

class Store {
public:
    // Creates the directories, begins a session; sweeps what dead processes left in tmp/.
    explicit Store(std::filesystem::path root);

    [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }

    // The blob's path when it is there. Counts as use: nobody
    // removes it while this Store lives.
    [[nodiscard]] std::optional<std::filesystem::path> find(const Digest& digest) const;
    // Where a blob is, or will be.
    [[nodiscard]] std::filesystem::path blob_path(const Digest& digest) const;
    // Moves a file that was written under temporary() or into a Partial and whose digest the caller
    // has computed. The file becomes read-only.
    std::filesystem::path adopt(const std::filesystem::path& file, const Digest& digest);
    // Copies and hashes while copying.
    Digest insert(const std::filesystem::path& file);
    Digest insert_text(std::string_view text);

    // Empty while another process is at the same blob.
    [[nodiscard]] std::optional<Partial> claim_partial(const Digest& digest) const;

    // A directory for work in progress on the store's file system.
    [[nodiscard]] Workspace temporary() const;

    // The result directory of a stage: made by `make` in a temporary directory and renamed when it
    // returns; when it is there already `make` does not run. One process at a time per key; others
    // wait and then find it. An Error from `make` leaves nothing behind.
    // `stage` consists of lower-case letters, digits and `-`.
    std::filesystem::path stage(std::string_view stage, const Digest& key,
                                const std::function<void(const std::filesystem::path& output)>& make);
    // Counts as use, like find().
    [[nodiscard]] bool has_stage(std::string_view stage, const Digest& key) const;

    // When the oldest running session began: what was used since is in use.
    [[nodiscard]] std::chrono::system_clock::time_point in_use_since() const;
    // Removes a blob or stage whose last use is still `as_of`; false when it was used since, or is gone.
    bool remove(const std::filesystem::path& path, std::chrono::system_clock::time_point as_of);
    // Moves a damaged thing into quarantine/, whoever uses it.
    void put_aside(const std::filesystem::path& path);

private:
    [[nodiscard]] std::filesystem::path stage_path(std::string_view stage, const Digest& key) const;

    [[nodiscard]] Gate pass(Gate::Passage passage) const;

    std::filesystem::path root_;
    std::optional<Session> session_; // always there after construction
};

// $ASHLAR_STORE, else /var/cache/ashlar for root, else $XDG_CACHE_HOME/ashlar or ~/.cache/ashlar.
[[nodiscard]] std::filesystem::path default_root();

// Runs `body`; an Error about a full disk or a used-up quota that leaves it gets a hint that names
// the file system of `path`, how much is free there, and what to do.
void explaining_full_disk(const std::filesystem::path& path, const std::function<void()>& body);

} // namespace ashlar::store

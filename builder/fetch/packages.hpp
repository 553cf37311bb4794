#pragma once

// The packages of a lock, and other files of a pool, on their way into the store.

#include <fetch/fetcher.hpp>

namespace ashlar::fetch {

// What a signed index or a lock names in an archive.
struct PoolFile {
    std::string title; // for people: "openssh-server 1:10.0p1-7"
    std::string archive, path;
    std::uint64_t size = 0;
    Digest sha256;
};

// Brings them into the store; each digest once. Those that no mirror has any more are left out: their places in `wanted`, in
// order. An Error for everything else. `kind` is for messages: "packages".
[[nodiscard]] std::vector<std::size_t> fetch_pool(const std::vector<PoolFile>& wanted, const Mirrors& mirrors, store::Store& store,
                                                  transfer::Downloader& downloader, std::string_view kind);

// The folder that is the archive; null: it is none.
[[nodiscard]] const recipe::Archive* folder_archive(const recipe::Train& train, const std::string& name);
// Error when the file is not what it should be.
void take_from_folder(const std::filesystem::path& file, const Digest& expected, store::Store& store);

// Those of the roles that the store does not have, each once.
[[nodiscard]] std::vector<const lock::Package*>
missing_packages(const lock::Lock& lock, std::span<const std::string> roles, const store::Store& store);

// Copies those that are in a local folder of the train; returns the others.
[[nodiscard]] std::vector<const lock::Package*> take_from_folders(const recipe::Train& train, const lock::Lock& lock,
                                                                  std::vector<const lock::Package*> wanted,
                                                                  store::Store& store);

void fetch_packages(const lock::Lock& lock, std::vector<const lock::Package*> wanted, const Mirrors& mirrors,
                    store::Store& store, transfer::Downloader& downloader);

// The Error that lists all of them. `why` completes "cannot get 3 packages that the lock of 'R0' names: …".
// Without a hint the one for packages that an archive has forgotten.
[[nodiscard]] Error error_of_gone(const lock::Lock& lock, const std::vector<const lock::Package*>& gone,
                                  std::string_view why, std::string hint = {});

} // namespace ashlar::fetch

#pragma once

// The packages of a lock on their way into the store.

#include <fetch/fetcher.hpp>

namespace ashlar::fetch {

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

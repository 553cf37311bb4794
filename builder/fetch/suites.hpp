#pragma once

// Suites of a train whose signature was checked, from mirrors or from the store.

#include "release_rules.hpp"

#include <debian/release.hpp>
#include <fetch/fetcher.hpp>
#include <lock/lock.hpp>
#include <recipe/model.hpp>
#include <store/store.hpp>
#include <transfer/downloader.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::fetch {

struct WantedSuite {
    const recipe::Archive* archive = nullptr;
    ReleaseWish wish;
};

struct OpenedSuite {
    const recipe::Archive* archive = nullptr;
    std::string shown; // for messages
    debian::Release release;
    lock::Suite record; // without indices
};

// All suites of all archives that are no folders, in the train's order.
[[nodiscard]] std::vector<WantedSuite> wanted_suites(const recipe::Train& train, const Options& options,
                                                     const lock::Lock* before);

// Fetches each suite's InRelease; a mirror whose file is refused is followed by the next one. The
// files go into the store.
[[nodiscard]] std::vector<OpenedSuite> open_suites(const std::vector<WantedSuite>& wanted, const Mirrors& mirrors,
                                                   store::Store& store, transfer::Downloader& downloader);

// Checks an InRelease that is on this machine.
[[nodiscard]] OpenedSuite open_suite(const WantedSuite& wanted, const std::filesystem::path& file,
                                     const store::Store& store, std::string shown);

} // namespace ashlar::fetch

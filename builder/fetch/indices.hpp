#pragma once

// Package indices on their way into the store, uncompressed.

#include <fetch/mirrors.hpp>
#include <lock/lock.hpp>
#include <store/store.hpp>
#include <transfer/downloader.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ashlar::fetch {

struct WantedIndex {
    std::string archive, suite;
    std::string path; // below the suite, as served
    Digest sha256;    // as served
    std::uint64_t size = 0;
    std::optional<Digest> content; // uncompressed, where it is known
    std::optional<std::uint64_t> content_size;
    enum class ByHash { offered, unknown } by_hash = ByHash::unknown;
};

// The uncompressed index's digest for each one wanted; all of them are in the store.
[[nodiscard]] std::vector<Digest> fetch_indices(const std::vector<WantedIndex>& wanted, const Mirrors& mirrors,
                                                store::Store& store, transfer::Downloader& downloader);

// The same; nothing when no mirror has one of them any more, or has others in their place.
[[nodiscard]] std::optional<std::vector<Digest>> find_indices(const std::vector<WantedIndex>& wanted, const Mirrors& mirrors, store::Store& store, transfer::Downloader& downloader);

} // namespace ashlar::fetch

#pragma once

// Removing what nobody needs, while others build.
//
// Taken is what no roots list and nobody used for a while; where the store is still too large, what was
// used longest ago, also results that roots list (they can be made again), never blobs that they list.
// Never taken is what was used since the oldest running session began: a build holds what it found.
// Killed at any moment, everything that is still there is complete.

#include <store/inventory.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::store {

struct Collecting {
    // Not used for this long.
    std::chrono::hours unused = std::chrono::hours(24 * 30);
    // Bytes on disk that the store may have afterwards.
    std::optional<std::uint64_t> most;
    enum class Run { real, rehearsal } run = Run::real;
};

struct Collected {
    enum class Cause { unused, too_large, ended };
    struct Taken {
        std::string name; // "blobs/<SHA-256>", "stages/<stage>/<key>", "quarantine/…", "roots/<name>"
        std::uint64_t bytes = 0;
        Cause cause = Cause::unused;
    };
    std::vector<Taken> taken; // a rehearsal: what would be
    Amount blobs, stages;     // of them
    std::uint64_t left = 0;   // bytes
    // What is more than allowed and could not go: in use, or listed by roots.
    std::uint64_t excess = 0;
};

// An Error when a file in roots/ cannot be read: then nothing is removed.
[[nodiscard]] Collected collect(Store& store, const Collecting& collecting);

} // namespace ashlar::store

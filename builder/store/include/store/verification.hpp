#pragma once

// Whether what is in the store is what its names say. Results of stages are named by what went into
// them, so of these only the shape can be judged.

#include <store/store.hpp>

#include <base/progress.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::store {

enum class Repair { no, aside }; // aside: into quarantine/, so that a build fetches or makes it again

struct Damaged {
    std::filesystem::path path; // below the store
    std::string cause;          // "SHA-256 is …"
};

struct Verified {
    std::uint64_t objects = 0, bytes = 0;
    std::vector<Damaged> damaged; // sorted by path
};

// Reads every blob, on all processors. What is removed by others meanwhile is no damage.
[[nodiscard]] Verified verify(Store& store, Repair repair, Renderer& renderer);

} // namespace ashlar::store

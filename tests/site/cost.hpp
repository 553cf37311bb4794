#pragma once

// What a node's daemon has needed since it was started.

#include <virtual_site/node.hpp>

#include <chrono>
#include <cstdint>

namespace ashlar::virtual_site {

struct Cost {
    std::chrono::steady_clock::time_point when;
    double processor_seconds = 0; // user and system
    double resident_mib = 0;
    std::uint64_t datagrams = 0; // UDP, that came to the node
};

[[nodiscard]] Cost cost_of(const Node& node);
[[nodiscard]] inline double seconds_between(const Cost& before, const Cost& after) { return std::chrono::duration<double>(after.when - before.when).count(); }
[[nodiscard]] inline double share_of_a_core(const Cost& before, const Cost& after) { return (after.processor_seconds - before.processor_seconds) / seconds_between(before, after); }

} // namespace ashlar::virtual_site

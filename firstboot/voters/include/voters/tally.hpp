#pragma once

// What goes into the audit log, and how often: whoever is refused a thousand times, or asks a thousand times, must not fill etcd. Pure.

#include <base/id.hpp>
#include <signing/key.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace ashlar::voters {

// The first of a kind is written, and from then on one an hour, which says how many were not. Beyond so many kinds an hour all others
// are one.
class Tally {
public:
    static constexpr std::size_t most_kinds = 32;
    static constexpr std::chrono::hours pause{1};

    struct Written {
        std::uint64_t left_out = 0; // since the last one of its kind
        bool is_of_others = false;  // it stands for all kinds beyond
    };
    // Nothing: it is not written.
    [[nodiscard]] std::optional<Written> count(const std::string& kind, Time now);

private:
    struct Kind {
        Time written{};
        std::uint64_t left_out = 0;
    };
    std::map<std::string, Kind> kinds_;
};

// So many in an hour, of each.
class Ration {
public:
    static constexpr std::size_t most = 6, most_known = 256;
    [[nodiscard]] bool take(const std::string& who, Time now);

private:
    std::map<std::string, std::deque<Time>> taken_;
};

} // namespace ashlar::voters

#pragma once

// What is in the store, what of it is kept by which roots, and what nobody used for a while.

#include <store/roots.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::store {

// Bytes as allocated on disk.
struct Amount {
    std::uint64_t count = 0, bytes = 0;
    void add(std::uint64_t more_bytes) {
        ++count;
        bytes += more_bytes;
    }
    Amount& operator+=(const Amount& other) {
        count += other.count;
        bytes += other.bytes;
        return *this;
    }
    bool operator==(const Amount&) const = default;
};

enum class Kind { package, release, index, other }; // of blobs, by their first bytes

struct Object {
    std::filesystem::path path;
    std::variant<Digest, StageName> name;
    std::uint64_t bytes = 0;
    std::chrono::system_clock::time_point last_use;
};

// Every blob and stage that bears a proper name. Reads no content; walks through stages to measure them.
[[nodiscard]] std::vector<Object> objects(const Store& store);

struct Inventory {
    std::map<Kind, Amount> blobs;
    std::map<std::string, Amount> stages; // by stage
    Amount partial, quarantine;
    struct Kept {
        std::string name, reason;
        Amount here;               // of what they list; another's may be the same
        std::uint64_t missing = 0; // listed and not here
    };
    std::vector<Kept> roots;
    Amount reachable, unreachable;
    Amount old; // unreachable, and not used since `before`: what a collection would take
    [[nodiscard]] Amount total() const;
};
[[nodiscard]] Inventory take_inventory(const Store& store, std::chrono::system_clock::time_point before);

[[nodiscard]] std::string_view name_of(Kind kind); // "packages"

} // namespace ashlar::store

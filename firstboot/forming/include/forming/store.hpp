#pragma once

// What the nodes of a site know together. etcd on voters, the voters' interface on other nodes; in tests a map.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::forming {

class SiteStore {
public:
    struct Entry {
        std::string value;
        std::uint64_t revision = 0; // of the last write to this key; never 0, and never again the same
    };
    using Entries = std::map<std::string, Entry, std::less<>>;

    virtual ~SiteStore() = default;
    // All keys that begin with `prefix`, as of one moment. Linearizable: what anybody wrote before is seen.
    [[nodiscard]] virtual Entries list(std::string_view prefix) const = 0;
    // Writes, or removes for no value, if the key still has that revision; 0: if it is not there. False: somebody was faster.
    // Error when the store does not answer: the write may or may not have happened then, and a list() will tell.
    [[nodiscard]] virtual bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) = 0;
};

class MemoryStore final : public SiteStore {
public:
    [[nodiscard]] Entries list(std::string_view prefix) const override;
    [[nodiscard]] bool swap(const std::string& key, std::uint64_t revision, const std::optional<std::string>& value) override;

private:
    mutable std::mutex mutex_;
    Entries entries_;
    std::uint64_t revision_ = 0;
};

} // namespace ashlar::forming

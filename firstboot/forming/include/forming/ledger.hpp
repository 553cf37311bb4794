#pragma once

// What the site's store says about one formation: docs/formats/formation.md, "In the site's store".
//
//     formations/<formation>/once/<step>      who does, or did, a step of the kind `once`
//     formations/<formation>/members/<node>   nodes that have the service's data
//     formations/<formation>/facts/<fact>     and secrets/<secret>, whose values the vault keeps
//     formations/<formation>/settled/<node>   nodes that say they are healthy
//     locks/<formation>                       who may do a serial step
//
// Nothing here has a time to live: what a node began stays its own until it is seen to be done, or the node has left the site.

#include <forming/site.hpp>
#include <forming/store.hpp>

#include <base/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace ashlar::forming {

// In whose hands something is. `plan`: what for, "etcd/join"; `revision`: the release of the node that wrote it.
struct Holder {
    std::string owner, boot, plan, revision;
    bool operator==(const Holder&) const = default;
};

struct Marker {
    Holder holder;
    bool is_done = false; // seen to be there; a step is begun before
    bool operator==(const Marker&) const = default;
};

// What a member was when it became one: somebody has to forget it by these when it is gone.
struct Enrolled {
    std::string name, address;
    bool operator==(const Enrolled&) const = default;
};

template <typename Value> struct Stored {
    Value value;
    std::uint64_t revision = 0; // of the key
};

struct Ledger {
    std::map<std::string, Stored<Marker>, std::less<>> once;
    std::map<std::string, Stored<Enrolled>, std::less<>> members;
    std::map<std::string, std::string, std::less<>> facts;
    std::set<std::string, std::less<>> secrets;
    std::set<std::string, std::less<>> settled;
    std::optional<Stored<Holder>> lock;
};

// Error when the store cannot be read, or holds what this release does not understand.
[[nodiscard]] Ledger read_ledger(const SiteStore& store, std::string_view formation);

namespace key {
[[nodiscard]] std::string once(std::string_view formation, std::string_view step);
[[nodiscard]] std::string member(std::string_view formation, std::string_view node);
[[nodiscard]] std::string fact(std::string_view formation, std::string_view fact);
[[nodiscard]] std::string secret(std::string_view formation, std::string_view secret);
[[nodiscard]] std::string settled(std::string_view formation, std::string_view node);
[[nodiscard]] std::string lock(std::string_view formation);
} // namespace key

[[nodiscard]] std::string to_text(const Marker& marker);
[[nodiscard]] std::string to_text(const Holder& holder);
[[nodiscard]] std::string to_text(const Enrolled& enrolled);

} // namespace ashlar::forming

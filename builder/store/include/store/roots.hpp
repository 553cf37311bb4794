#pragma once

// What must stay, and why: files in the store's roots/, one for each reason. Who needs things that
// builds do not ask for every day (a lock, a release that can be built again, the newest image of a
// role) lists them there; docs/formats/store.md has the format.

#include <store/store.hpp>

#include <compare>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::store {

struct StageName {
    std::string stage;
    Digest key;
    auto operator<=>(const StageName&) const = default;
};

struct Roots {
    std::string reason; // for people, one line: "lock of train R0"
    // They count as long as something is at this path; without it until the file is removed.
    std::optional<std::filesystem::path> while_exists;
    // Never collected. Need not be there: a lock names packages of roles that nobody built here.
    std::vector<Digest> blobs;
    // Spared by age; collected when the store is too large, for they can be made again.
    std::vector<StageName> stages;
    bool operator==(const Roots&) const = default;
};

// Writes roots/<name> in one step, in place of what was there. Things are safe from a collection that
// runs meanwhile when this process has found or adopted them before. `name`: letters, digits and . _ + -,
// beginning with a letter or digit.
void keep(const Store& store, std::string_view name, const Roots& roots);
// False when there was none.
bool forget(const Store& store, std::string_view name);

// All that count, by name. One that cannot be read is an Error: what it meant to keep is not known.
[[nodiscard]] std::map<std::string, Roots> read_roots(const Store& store);
// Those whose path is gone.
[[nodiscard]] std::vector<std::string> ended_roots(const Store& store);

// What parse_roots() does not know it refuses, with an Error about `name`.
[[nodiscard]] std::string to_text(const Roots& roots);
[[nodiscard]] Roots parse_roots(std::string_view text, std::string_view name);

} // namespace ashlar::store

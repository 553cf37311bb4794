#pragma once

// What independent builders say of a release: docs/formats/confirmation.md. Taken in, kept as targets of the release's train, and
// counted by the policy's section `rebuilders`.

#include <confirmation/confirmation.hpp>
#include <releases/office.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::releases {

// Whose word is there, by the names of the policy.
struct Tally {
    unsigned threshold = 0;             // how many must have confirmed it; 0: the policy has no rebuilders
    std::vector<std::string> confirmed; // keys of the policy, each once, in its order
    std::vector<std::string> missing;   // those that have not
    [[nodiscard]] bool is_reached() const noexcept { return confirmed.size() >= threshold; }
};
// What is proposed counts before what is published. Each confirmation is read and verified anew; one that is not right, not of
// this release.json, or by a key that the policy does not name counts for nothing.
[[nodiscard]] Tally tally(const Office& office, const ReleaseVersion& release);

struct Offered {
    std::string name; // for messages
    std::string text;
};
struct Taken {
    ReleaseVersion release;
    std::string key; // "rebuilder-1"
    enum class Change { made, none } change; // none: it has confirmed that already
};
// Proposes them as targets: all, or none and an Error that names the file. Refused: what is no confirmation, a key that is none of
// the policy's rebuilders, a release that is not there, that is revoked, or that is not what was built again.
std::vector<Taken> confirm(const Office& office, const std::vector<Offered>& offered, Time now);

} // namespace ashlar::releases

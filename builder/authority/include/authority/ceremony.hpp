#pragma once

// From trust.toml to what is in force: the root, and the targets role with its delegations.

#include <authority/desk.hpp>

#include <string>
#include <vector>

namespace ashlar::authority {

// Proposes what differs: a root whose keys or thresholds are others or that gets old, targets likewise, and roles that have to be
// signed again, because their keys have changed or their end is near. Returns the roles, in the order of their signing; none when
// all is as the policy says. What waits for signatures already and says the same stays.
std::vector<std::string> prepare(const Policy& policy, const Repository& repository, const Desk& desk, Time now);

// What a cut of the train would fall over later: a role, a key or a delegation that is not there or not in force, metadata
// that would end within `margin`. Sentences, each with what to do.
struct Obstacle {
    std::string cause, remedy;
    bool operator==(const Obstacle&) const = default;
};
[[nodiscard]] std::vector<Obstacle> obstacles(const Policy& policy, const Repository& repository, std::string_view train, Time now, std::chrono::days margin = std::chrono::days(14));

} // namespace ashlar::authority

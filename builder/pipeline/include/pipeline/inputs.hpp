#pragma once

// The inputs of roles, each by digest: resolved against the archives as they are now, or taken from
// the train's lock.

#include <debian/universe.hpp>
#include <fetch/fetcher.hpp>
#include <lock/lock.hpp>
#include <pipeline/workshop.hpp>
#include <solver/solver.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::pipeline {

// The answer of the archives. `solutions` point into `universe`.
struct Resolved {
    std::unique_ptr<debian::Universe> universe;
    std::map<std::string, solver::Solution> solutions; // by role
    lock::Lock lock; // of exactly these roles
};

// The roles themselves and those they are built with: initrds, tools and, where ashlard is wanted,
// the build root; sorted, each once.
[[nodiscard]] std::vector<std::string> with_helpers(Workshop& workshop, const std::vector<std::string>& roles);

// What to do about ashlard, which is a package that only exists once it was compiled.
enum class Daemon {
    compiled, // compile it, so that the lock is complete
    announced, // take its name, version and needs; its size and digest are not known
};

// Refreshes the indices, resolves all `roles` (which are complete: with_helpers()). A conflict is an
// Error that shows its tree, at the place in the recipe where the wish stands. Archives older than
// those that the train's lock was made from are refused.
[[nodiscard]] Resolved resolve(Workshop& workshop, const std::vector<std::string>& roles, Daemon daemon);
// The same against the archives that `lock` was made from, as they were then.
[[nodiscard]] Resolved resolve_as_locked(Workshop& workshop, const lock::Lock& lock, const std::vector<std::string>& roles,
                                         Daemon daemon);

// The request that resolve() makes for a role.
[[nodiscard]] solver::Request request_for(const recipe::Role& role);

// Fetches with the workshop's mirrors and rules.
[[nodiscard]] fetch::Fetcher make_fetcher(Workshop& workshop);

// The train's lock when there is one.
[[nodiscard]] std::optional<lock::Lock> existing_lock(const Workshop& workshop);

// The part of a lock that one role's image is made from: what lies beside the image as evidence.
[[nodiscard]] lock::Lock restricted(const lock::Lock& lock, const std::vector<std::string>& roles);

} // namespace ashlar::pipeline

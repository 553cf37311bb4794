#pragma once

// The only door to libsolv.
//
// A Proof holds a pool of packages (one version of each name) as libsolv sees them. It answers whether
// a set of them can be installed together, finds one, or says which rules stand against it.

#include "offers.hpp"

#include <memory>
#include <span>
#include <variant>

namespace ashlar::solver {

// One rule that takes part in an impossibility.
struct Rule {
    enum class Kind {
        asked_for, // `package` must be in
        needs,     // `package` needs `need`
        conflicts, // `package` and `other` exclude each other, by a `refusal` of `package`
    } kind = Kind::asked_for;
    const Package* package = nullptr;
    const Package* other = nullptr;
    const Need* need = nullptr;
    const Refusal* refusal = nullptr;
};

class Proof {
public:
    Proof(const Offers& offers, std::span<const Package* const> packages);
    Proof(const Proof&) = delete;
    Proof& operator=(const Proof&) = delete;
    ~Proof();

    // A consistent set with all of `wanted` in it that prefers `favoured`, in libsolv's order; or the
    // rules of the impossibilities, a list for each.
    [[nodiscard]] std::variant<std::vector<const Package*>, std::vector<std::vector<Rule>>>
    solve(std::span<const Package* const> wanted, std::span<const Package* const> favoured);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// All that `roots` can pull in, by whatever alternative and provider; the roots first.
[[nodiscard]] std::vector<const Package*> reachable(const Offers& offers, std::span<const Package* const> roots);

} // namespace ashlar::solver

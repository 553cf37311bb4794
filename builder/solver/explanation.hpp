#pragma once

// Words for why something cannot be installed.

#include "offers.hpp"
#include "proof.hpp"
#include "walk.hpp"

namespace ashlar::solver {

class Explanation {
public:
    explicit Explanation(const Offers& offers) : offers_(offers) {}

    // Why no candidate satisfies `wanted`.
    [[nodiscard]] Reason absent(const Alternative& wanted);
    // Why one of the problems that libsolv found is one: from the roots that take part in it, in their
    // order, down to what is in the way.
    [[nodiscard]] Reason problem(const std::vector<Rule>& rules, const std::vector<Root>& roots);

    // What would help, from all that was explained.
    [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

private:
    [[nodiscard]] Reason absent_bearer(const Alternative& wanted);
    [[nodiscard]] Reason absent_component(const Package& package);
    [[nodiscard]] Reason absent_version(const Alternative& wanted, const Package& candidate);
    [[nodiscard]] Reason absent_provider(const Alternative& wanted);
    [[nodiscard]] Reason unknown(const Alternative& wanted);

    const Offers& offers_;
    std::string hint_;
};

} // namespace ashlar::solver

#pragma once

// What one person alone may not order: one who may administer proposes it, another one who may approve agrees. Pure.
//
// Another person has another name and another key. A site that declares no such pair has nobody to agree: then only root at a voter may
// order it, who could change the site's plan as well.

#include <voters/authorisation.hpp>

#include <chrono>
#include <vector>

namespace ashlar::voters {

using ProposalId = Id<struct ProposalIdTag>;

inline constexpr std::chrono::hours proposal_life{24};
inline constexpr std::size_t most_proposals = 16; // that are open

struct Proposal {
    ProposalId id;
    Request what;
    Person by;
    Time made{}, expires{};
    bool operator==(const Proposal&) const = default;
};
[[nodiscard]] std::string text_of(const Proposal& proposal);
[[nodiscard]] Proposal proposal_from(const std::string& text);

// Whether the plan has one who may propose and another one who may agree.
[[nodiscard]] bool can_be_two(const site::Site& plan);
// The same of these alone, who have said yes.
[[nodiscard]] bool are_two(const std::vector<site::Operator>& people);

// One person has asked for it without a proposal. Nothing: they may, for there is nobody else.
[[nodiscard]] std::optional<Refusal> may_alone(const Caller& caller, const Request& what, const site::Site* plan);
// Nothing: the proposal may be made. `open`: how many there are.
[[nodiscard]] std::optional<Refusal> may_propose(const Caller& caller, const Ask& what, const site::Site* plan, std::size_t open);
// Nothing: with this one's yes it may be carried out.
[[nodiscard]] std::optional<Refusal> may_agree(const Caller& caller, const Proposal& proposal, const site::Site* plan, Time now);
// By who made it, and by every other one who may administer: no is easier than yes.
[[nodiscard]] bool has_expired(const Proposal& proposal, Time now);

} // namespace ashlar::voters

#include <voters/two_persons.hpp>

#include "refusals.hpp"

#include <base/error.hpp>
#include <signing/json_object.hpp>
#include <tuf/metadata.hpp>

#include <algorithm>

namespace ashlar::voters {

namespace {

using certificates::Right;

constexpr JsonDocument document{.kind = "record", .name = "proposal", .remedy = "a newer release has written it, or etcd was written by something else"};
constexpr std::string_view nobody_else = "declare in [[access.operator]] one who is 'admin' and another one, with a key of their own, who is 'approver'; until then root at a voter may order it";

bool is_another(const Person& one, const Person& other) { return one.name != other.name && one.key != other.key; }

Refusal explained(std::string text) { return {Reason::takes_two, std::move(text), {"one who is 'admin' proposes it (`proposal.make`), and another one who is 'approver' agrees within a day"}}; }

} // namespace

std::string text_of(const Proposal& proposal) {
    return tuf::canonical_json({{"format", 1},
                                {"id", proposal.id.text()},
                                {"what", proposal.what.ask},
                                {"parameters", proposal.what.parameters},
                                {"by", proposal.by.name},
                                {"key", proposal.by.key.hex()},
                                {"made", proposal.made.time_since_epoch().count()},
                                {"expires", proposal.expires.time_since_epoch().count()}});
}

Proposal proposal_from(const std::string& text) {
    const Json json = parse_strict_json(text, "proposal");
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    Proposal proposal{.id = object.id<ProposalId>("id"),
                      .what = {object.text("what"), object.at("parameters")},
                      .by = {object.text("by"), object.digest("key")},
                      .made = Time(std::chrono::seconds(object.number("made"))),
                      .expires = Time(std::chrono::seconds(object.number("expires")))};
    object.finish();
    return proposal;
}

bool can_be_two(const site::Site& plan) { return are_two(plan.access.operators); }

bool are_two(const std::vector<site::Operator>& all) {
    return std::ranges::any_of(all, [&](const site::Operator& proposer) {
        return rights_of(proposer).contains(Right::administer) &&
               std::ranges::any_of(all, [&](const site::Operator& agreeing) { return rights_of(agreeing).contains(Right::approve) && is_another(person_of(proposer), person_of(agreeing)); });
    });
}

std::optional<Refusal> may_alone(const Caller& caller, const Request& what, const site::Site* plan) {
    if (plan != nullptr && can_be_two(*plan)) return explained(fmt::format("'{}' takes two persons", what.ask));
    if (std::holds_alternative<LocalCaller>(caller)) return std::nullopt;
    return Refusal{Reason::takes_two, fmt::format("'{}' takes two persons, and the site declares no two who could", what.ask), {std::string(nobody_else)}};
}

std::optional<Refusal> may_propose(const Caller& caller, const Ask& what, const site::Site* plan, std::size_t open) {
    if (what.persons == Persons::one) return Refusal{Reason::not_allowed, fmt::format("'{}' takes one person: ask for it", what.name), {}};
    if (!std::holds_alternative<OperatorCaller>(caller)) return Refusal{Reason::takes_two, "who proposes is a person with a certificate of the site", {}};
    if (plan == nullptr || !can_be_two(*plan)) return Refusal{Reason::takes_two, "the site declares no other one who could agree", {std::string(nobody_else)}};
    if (open >= most_proposals) return Refusal{Reason::too_many, fmt::format("{} proposals are open", open), {"withdraw some: `proposal.withdraw`"}};
    return std::nullopt;
}

std::optional<Refusal> may_agree(const Caller& caller, const Proposal& proposal, const site::Site* plan, Time now) {
    const auto* const person = std::get_if<OperatorCaller>(&caller);
    if (person == nullptr) return Refusal{Reason::takes_two, "who agrees is a person with a certificate of the site", {}};
    if (has_expired(proposal, now)) return not_now("the proposal has expired: it holds for a day");
    const auto* const proposer = plan == nullptr ? nullptr : operator_in(*plan, proposal.by);
    if (proposer == nullptr || !rights_of(*proposer).contains(Right::administer)) return not_now("'{}', who proposed it, is no admin of the site any more", proposal.by.name);
    if (!is_another(person->person, proposal.by)) return explained("who proposed it cannot agree to it: another person must, with another name and another key");
    return std::nullopt;
}

// One from the future is of a clock that lied: it does not hold longer for it.
bool has_expired(const Proposal& proposal, Time now) { return now >= proposal.expires || proposal.expires - proposal.made > proposal_life || proposal.made - now > proposal_life; }

} // namespace ashlar::voters

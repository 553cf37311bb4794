#include "handlers.hpp"

#include "refusals.hpp"

#include <base/error.hpp>
#include <voters/two_persons.hpp>

#include <algorithm>

namespace ashlar::voters {

namespace {

struct Kept {
    Proposal proposal;
    etcd::Revision revision = 0;
};

std::string key_of(const ProposalId& id) { return key::below(key::proposals, id.text()); }

std::vector<Kept> proposals_in(etcd::Client& etcd) {
    std::vector<Kept> all;
    for (const auto& pair : etcd.range(std::string(key::proposals)).pairs) all.push_back({proposal_from(pair.value), pair.modified});
    std::ranges::sort(all, {}, [](const Kept& kept) { return std::pair(kept.proposal.made, kept.proposal.id); });
    return all;
}

std::variant<Kept, Refusal> proposal_named(const Occasion& occasion) {
    const auto id = ProposalId::parse(occasion.request.text("proposal"));
    const auto found = id ? occasion.etcd.get(key_of(*id)) : std::nullopt;
    if (!found) return not_found("there is no such proposal: it was carried out, withdrawn, or has expired");
    return Kept{proposal_from(found->value), found->modified};
}

Json json_of(const Proposal& proposal, Time now) {
    return {{"proposal", proposal.id.text()},
            {"what", proposal.what.ask},
            {"by", proposal.by.name},
            {"made", proposal.made.time_since_epoch().count()},
            {"expires", proposal.expires.time_since_epoch().count()},
            {"expired", has_expired(proposal, now)}};
}

const site::Site* site_in(const std::optional<Plan>& plan) { return plan ? &plan->site : nullptr; }

std::string about(const Proposal& proposal) { return fmt::format("{}, proposal {}", proposal.what.ask, proposal.id.text()); }

} // namespace

Outcome show_proposals(const Occasion& occasion) {
    Json list = Json::array();
    for (const auto& kept : proposals_in(occasion.etcd)) list.push_back(json_of(kept.proposal, occasion.now));
    return Json{{"proposals", list}};
}

// Whoever agrees must have seen to what.
Outcome show_proposal(const Occasion& occasion) {
    const auto found = proposal_named(occasion);
    if (const auto* const refusal = std::get_if<Refusal>(&found)) return *refusal;
    const auto& proposal = std::get<Kept>(found).proposal;
    Json answer = json_of(proposal, occasion.now);
    answer["parameters"] = proposal.what.parameters;
    return answer;
}

Outcome withdraw_proposal(const Occasion& occasion) {
    const auto found = proposal_named(occasion);
    if (const auto* const refusal = std::get_if<Refusal>(&found)) return *refusal;
    const auto& [proposal, revision] = std::get<Kept>(found);
    return Deed{.conditions = {{etcd::Condition::Of::modified, key_of(proposal.id), revision}},
                .changes = {etcd::Delete{key_of(proposal.id)}},
                .answer = {{"proposal", proposal.id.text()}},
                .about = about(proposal),
                .text = fmt::format("made by {}", proposal.by.name),
                .what = {}};
}

Outcome Desk::carry_out(const Occasion& occasion, const Request& what, Earnest earnest) const {
    const auto* const handler = handler_of(what.ask);
    if (handler == nullptr) return Refusal{Reason::unknown_ask, fmt::format("a voter of this release cannot do '{}'", one_line(what.ask, 100)), {}};
    return (*handler)({.caller = occasion.caller, .request = what, .picture = occasion.picture, .plan = occasion.plan, .etcd = occasion.etcd, .now = occasion.now, .is_agreed_to = true, .is_tried = earnest == Earnest::tried});
}

Outcome Desk::make_proposal(const Occasion& occasion) const {
    const auto read = request_of(occasion.request.text("what"), occasion.request.parameters.at("parameters"), asks_);
    if (const auto* const refusal = std::get_if<Refusal>(&read)) return *refusal;
    const auto& what = std::get<Request>(read);
    const auto kept = proposals_in(occasion.etcd);
    const auto open = static_cast<std::size_t>(std::ranges::count_if(kept, [&](const Kept& one) { return !has_expired(one.proposal, occasion.now); }));
    if (auto refusal = may_propose(occasion.caller, asks_.find(what.ask)->second, site_in(occasion.plan), open)) return *std::move(refusal);
    // What cannot be done need not be agreed to.
    const auto tried = carry_out(occasion, what, Earnest::tried);
    if (const auto* const refusal = std::get_if<Refusal>(&tried)) return *refusal;

    const Proposal proposal{.id = ProposalId::random(), .what = what, .by = std::get<OperatorCaller>(occasion.caller).person, .made = occasion.now, .expires = occasion.now + proposal_life};
    Deed deed{.conditions = {{etcd::Condition::Of::created, key_of(proposal.id), 0}},
              .changes = {etcd::Put{key_of(proposal.id), text_of(proposal)}},
              .answer = json_of(proposal, occasion.now),
              .about = about(proposal),
              .text = {},
              .what = {}};
    if (const auto* const planned = std::get_if<Deed>(&tried)) deed.text = planned->about + (planned->text.empty() ? "" : ": ") + planned->text;
    for (const auto& one : kept)
        if (has_expired(one.proposal, occasion.now)) deed.changes.emplace_back(etcd::Delete{key_of(one.proposal.id)});
    return deed;
}

Outcome Desk::agree(const Occasion& occasion) const {
    const auto found = proposal_named(occasion);
    if (const auto* const refusal = std::get_if<Refusal>(&found)) return *refusal;
    const auto& [proposal, revision] = std::get<Kept>(found);
    if (auto refusal = may_agree(occasion.caller, proposal, site_in(occasion.plan), occasion.now)) return *std::move(refusal);
    const auto read = request_of(proposal.what.ask, proposal.what.parameters, asks_);
    if (const auto* const refusal = std::get_if<Refusal>(&read)) return *refusal;

    Outcome outcome = carry_out(occasion, std::get<Request>(read), Earnest::meant);
    if (std::holds_alternative<Refusal>(outcome)) return outcome;
    Deed deed = std::holds_alternative<Deed>(outcome) ? std::get<Deed>(std::move(outcome)) : Deed{.conditions = {}, .changes = {}, .answer = std::get<Json>(std::move(outcome)), .about = {}, .text = {}, .what = {}};
    deed.conditions.push_back({etcd::Condition::Of::modified, key_of(proposal.id), revision});
    deed.changes.emplace_back(etcd::Delete{key_of(proposal.id)});
    deed.what = proposal.what.ask;
    deed.text = fmt::format("proposed by {}, proposal {}{}{}", proposal.by.name, proposal.id.text(), deed.text.empty() ? "" : ": ", deed.text);
    return deed;
}

} // namespace ashlar::voters

#include <enrolment/decision.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::enrolment {

namespace {

using certificates::NodeBearer;

const Member* member_with(const View& view, const NodeId& node) {
    const auto found = std::ranges::find_if(view.members, [&](const Member& member) { return member.bearer.node == node; });
    return found == view.members.end() ? nullptr : &*found;
}

const Member* member_called(const View& view, std::string_view name) {
    const auto found = std::ranges::find_if(view.members, [&](const Member& member) { return !member.removed && member.bearer.name == name; });
    return found == view.members.end() ? nullptr : &*found;
}

std::optional<Refused> fault_of_certificate(const Applicant& applicant, const certificates::Trust& trust, Time now) {
    if (!applicant.application.certificate) return std::nullopt;
    const auto judgement = certificates::may_renew(*applicant.application.certificate, applicant.key, trust, now);
    const auto* const refusal = std::get_if<certificates::Refusal>(&judgement);
    return refusal == nullptr ? std::nullopt : std::optional(Refused{Reason::bad_certificate, refusal->text});
}

std::string serial_of(const Applicant& applicant) {
    const auto found = applicant.application.facts.find("serial");
    return found != applicant.application.facts.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Disks that moved to another board are the same node. Two boards at once are a disk and its copy.
bool lives_elsewhere(const Applicant& applicant, const Member& member) {
    const std::string serial = serial_of(applicant);
    return member.alive && !serial.empty() && !member.serial.empty() && serial != member.serial;
}

// It comes again: after a power cut in the middle, with a certificate that is due, or after a year in a cupboard.
Decision again(const Applicant& applicant, const Member& member, const certificates::Trust& trust, Time now) {
    if (lives_elsewhere(applicant, member))
        return Refused{Reason::identity_conflict, fmt::format("{} lives on the board {} with the same key: one of the two is a copy", member.bearer.name, member.serial)};
    if (auto refused = fault_of_certificate(applicant, trust, now)) return *refused;
    return Admit{Admit::As::member, member.bearer, std::nullopt};
}

std::optional<Refused> refused_at_the_door(const Applicant& applicant, const View& view, const TicketCheck& check_ticket) {
    const auto& ticket = applicant.application.ticket;
    if (!ticket && !view.open) return Refused{Reason::closed, "this site takes no more nodes without a ticket"};
    if (!ticket) return std::nullopt;
    const auto fault = check_ticket(*ticket, applicant.node);
    return fault ? std::optional(Refused{Reason::bad_ticket, *fault}) : std::nullopt;
}

Decision newcomer(const NodeBearer& bearer, const View& view) {
    if (view.newcomers == Admittance::by_hand && !view.approved) return Await{fmt::format("shall this machine be {}?", bearer.name)};
    return Admit{Admit::As::newcomer, bearer, std::nullopt};
}

// The same place in the plan, another key: reflashed, or another machine. Never beside the one that lives.
Decision replacement(const NodeBearer& bearer, const Member& before, const View& view) {
    if (before.alive)
        return Refused{Reason::identity_conflict, fmt::format("{} is a living member with another key ({})", bearer.name, before.bearer.node.text())};
    if (view.replacements == Admittance::by_hand && !view.approved)
        return Await{fmt::format("shall this machine be {} instead of the one that was ({})?", bearer.name, before.bearer.node.text())};
    return Admit{Admit::As::replacement, bearer, before.bearer.node};
}

} // namespace

Decision decide(const Applicant& applicant, const View& view, const TicketCheck& check_ticket, const certificates::Trust& trust, Time now) {
    const Member* const known = member_with(view, applicant.node);
    if (known != nullptr && !known->removed) return again(applicant, *known, trust, now);
    if (auto refused = refused_at_the_door(applicant, view, check_ticket)) return *refused;
    if (!view.assignment) return Refused{Reason::unknown, "this site declares no machine with these facts"};
    if (view.lacks_tpm) return Refused{Reason::no_tpm, "this site takes nodes with a TPM only, and this machine says nothing of one"};
    const NodeBearer bearer{.node = applicant.node, .name = view.assignment->name, .roles = view.assignment->roles, .addresses = view.assignment->addresses};
    if (known != nullptr && !view.approved) return Refused{Reason::removed, "it was removed from this site, and comes back only when an operator approves it"};
    const Member* const before = member_called(view, bearer.name);
    return before == nullptr ? newcomer(bearer, view) : replacement(bearer, *before, view);
}

} // namespace ashlar::enrolment

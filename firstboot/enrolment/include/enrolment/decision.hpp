#pragma once

// May this one be one of us, and as whom? Pure: what the site knows is handed in.

#include <enrolment/application.hpp>

#include <functional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace ashlar::enrolment {

// What the site's etcd says about one that has enrolled before.
struct Member {
    VerifyingKey key;
    certificates::NodeBearer bearer;
    std::string serial; // of the board on which it was when it was last heard of; empty where it has none
    bool removed = false;
    bool alive = false; // heard of within the time in which nodes are
};

// What the site's plan says about the machine with these facts.
struct Assignment {
    std::string name;
    std::set<std::string> roles, addresses;
};

enum class Admittance { by_itself, by_hand };

struct View {
    std::vector<Member> members;
    std::optional<Assignment> assignment; // nothing: the plan has no such machine
    bool open = true;                     // enrolment without a ticket
    bool lacks_tpm = false;               // the plan takes machines with one only, and this one says nothing of one
    Admittance newcomers = Admittance::by_itself;
    Admittance replacements = Admittance::by_hand;
    bool approved = false;                // an operator has approved this very key
};

// Nothing when the ticket lets this node in; otherwise why not.
using TicketCheck = std::function<std::optional<std::string>(std::string_view ticket, const NodeId& node)>;

struct Admit {
    enum class As { newcomer, member, replacement } as;
    certificates::NodeBearer bearer;
    std::optional<NodeId> instead_of; // of a replacement: it is no member from then on
};
struct Await {
    std::string text; // what a person is asked
};
using Decision = std::variant<Admit, Await, Refused>;

[[nodiscard]] Decision decide(const Applicant& applicant, const View& view, const TicketCheck& check_ticket, const certificates::Trust& trust, Time now);

} // namespace ashlar::enrolment

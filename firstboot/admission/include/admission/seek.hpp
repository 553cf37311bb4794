#pragma once

// A node's side of its enrolment: one try with one voter. docs/formats/enrolment.md.

#include <channel/channel.hpp>
#include <enrolment/conversation.hpp>

#include <functional>
#include <string>

namespace ashlar::admission {

struct Seeking {
    const SigningKey& key; // the node's own
    enrolment::Known known;
    enrolment::Application application;
};

// A person decides: this stands on the node's console meanwhile, and the same code at the voter's. Empty when that is over.
using ShowCode = std::function<void(const std::string& code)>;

// An Error says why not, in the voter's words: the plan knows no such machine, the ticket is used up, an operator has said no. Waits for
// a person as long as the voter does: minutes.
[[nodiscard]] enrolment::Enrolled seek(Fd socket, const channel::SharedKey& shared, Seeking seeking, const ShowCode& show);

} // namespace ashlar::admission

#pragma once

// What a machine says of itself when it wants to be a node, and which of the plan's nodes that is. docs/formats/enrolment.md, "Facts".

#include <base/json.hpp>
#include <enrolment/decision.hpp>
#include <site/machine.hpp>
#include <site/site.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ashlar::admission {

struct Facts {
    site::Machine machine;
    std::string role;                   // of its image
    std::vector<std::string> addresses; // that it has, for a machine that the plan does not list
    bool tpm = false;                   // it says that it has a TPM 2.0
};
[[nodiscard]] Json to_json(const Facts& facts);
// Foreign: what is not in its form is not there.
[[nodiscard]] Facts facts_in(const Json& json);

// A machine that is not listed has the first 12 digits of its id for a name; only sites without a list have such nodes.
[[nodiscard]] std::string unlisted_name(const NodeId& node);
[[nodiscard]] std::optional<enrolment::Assignment> assignment_of(const site::Site& plan, const NodeId& node, const Facts& facts);

} // namespace ashlar::admission

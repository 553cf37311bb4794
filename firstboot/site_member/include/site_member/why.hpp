#pragma once

// Why a node is not (yet) what it should be, as this or another node of the site sees it. Pure.

#include <base/json.hpp>
#include <site/site.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::site_member {

struct Seen {
    const Json& status; // "site" of this node's own status: docs/formats/node-status.md
    const site::Site& plan;
    // Services that run on the node in question, and that it has not said to be as they should be; nothing: the site's store does not say.
    std::optional<std::vector<std::string>> unsettled;
    Json waiting = Json::array(); // who waits for an operator, as `applicants` of docs/formats/voters-interface.md has it; voters know
};

// Several lines, each with an end. Nothing: neither the site nor its plan has a node of that name.
[[nodiscard]] std::optional<std::string> why_node(const Seen& seen, std::string_view name);

} // namespace ashlar::site_member

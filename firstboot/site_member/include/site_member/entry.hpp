#pragma once

// Which node of its site's plan a machine is. Who is no member yet is told by the machine; a member is who it is by its key, and stays it when its
// disks are put into another machine. Pure.

#include <site/machine.hpp>
#include <site/site.hpp>

#include <optional>
#include <string>

namespace ashlar::site_member {

struct Entry {
    const site::Node* node = nullptr; // null: none of them
    std::string remark;               // for people: the plan means another machine, or none; empty: all is well
};

// `member`: the name that a member has in its certificate. An Error where these are one node's disks in another node's machine: it would be
// both. `site` outlives the answer.
[[nodiscard]] Entry entry_of(const site::Site& site, const site::Machine& machine, const std::optional<std::string>& member);

} // namespace ashlar::site_member

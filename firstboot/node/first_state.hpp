#pragma once

// The state of a node that is new: docs/formats/state.md.

#include <base/json.hpp>
#include <node/site_files.hpp>

#include <string>

namespace ashlar::node {

// With a name of its own, made from random numbers.
[[nodiscard]] Json first_state(const SiteFiles& files, const std::string& release);

} // namespace ashlar::node

#pragma once

// What a bundle of a train carries: the manifest that stands in place of snapshot and timestamp on a medium.
// docs/formats/trust.md, docs/formats/bundle.md.

#include <releases/office.hpp>

#include <optional>
#include <set>
#include <string>

namespace ashlar::releases {

struct CarryOrder {
    ReleaseVersion release;
    std::optional<ReleaseVersion> since; // the site has it: what has the same bytes stays at home
    std::set<std::string> roles;         // empty: all
    Time now;
};

// Proposes the train's next manifest. False: the published one carries just that, and is not half over.
bool propose_manifest(const Office& office, const CarryOrder& order);

} // namespace ashlar::releases

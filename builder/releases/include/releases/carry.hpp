#pragma once

// What a bundle of a train carries: the manifest that stands in place of snapshot and timestamp on a medium.
// docs/formats/trust.md, docs/formats/bundle.md.

#include <releases/office.hpp>

#include <optional>
#include <cstdint>
#include <set>
#include <string>

namespace ashlar::releases {

struct CarryOrder {
    ReleaseVersion release;
    std::optional<ReleaseVersion> since; // the site has it: what has the same bytes stays at home
    std::set<std::string> roles;         // empty: all
    enum class Sources { no, yes } sources = Sources::no; // of these roles
    Time now;
};

// What a bundle has of source packages.
struct CarriedSources {
    std::size_t packages = 0, files = 0;
    std::uint64_t bytes = 0; // of all files
    std::uint64_t carried = 0; // bytes of those that the site has not got with `since`
};
// Error when the release was cut without its sources.
[[nodiscard]] CarriedSources carried_sources(const Office& office, const CarryOrder& order);

// Proposes the train's next manifest. False: the published one carries just that, and is not half over.
bool propose_manifest(const Office& office, const CarryOrder& order);

} // namespace ashlar::releases

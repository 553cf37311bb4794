#pragma once

// From which source packages the packages of images were built, as their own control files say: Source, Built-Using,
// Static-Built-Using.

#include <fetch/sources.hpp>
#include <lock/lock.hpp>
#include <store/store.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ashlar::sources {

// A source package, and what asks for it.
struct Need {
    fetch::WantedSource source;
    std::set<std::string> roles;
    std::set<std::string> packages;   // binary packages that it built
    std::set<std::string> built_into; // binary packages that have parts of it
};

// A package without a source package, and why.
struct LeftOut {
    std::string package, version, reason;
    bool operator==(const LeftOut&) const = default;
};

struct Needs {
    std::vector<Need> needs; // sorted by name, then version; each once
    std::vector<LeftOut> left_out;
    [[nodiscard]] std::vector<fetch::WantedSource> wanted() const;
};

// `images`: role → the packages that are in its image, which are in the store. `own`: the archive of what Ashlar compiled from
// its own tree; its packages are left out.
[[nodiscard]] Needs needs_of(const std::map<std::string, std::vector<const lock::Package*>>& images, const store::Store& store, std::string_view own);

} // namespace ashlar::sources

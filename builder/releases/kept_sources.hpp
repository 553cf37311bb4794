#pragma once

// Private to this module: the source packages that a release keeps. docs/formats/sources.md.

#include <fetch/sources.hpp>
#include <lock/lock.hpp>
#include <pipeline/workshop.hpp>
#include <sources/list.hpp>

#include <string>
#include <vector>

namespace ashlar::releases {

struct KeptSources {
    fetch::Sources found;
    sources::List list;

    // Files and indices, in the store.
    [[nodiscard]] std::vector<Digest> blobs() const;
};

// Those of all that ends up in the train's images, fetched. An Error with everything that mirrors do not have: what they have no
// more is not there an hour later either.
[[nodiscard]] KeptSources keep_sources(pipeline::Workshop& workshop, const lock::Lock& lock, const std::string& release);

} // namespace ashlar::releases

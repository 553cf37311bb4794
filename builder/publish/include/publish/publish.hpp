#pragma once

// A release for nodes to fetch: a directory of plain files. docs/formats/release-index.md.

#include <deltas/image.hpp>

#include <base/progress.hpp>
#include <signing/release.hpp>

#include <filesystem>
#include <vector>

namespace ashlar::publish {

struct Order {
    std::filesystem::path to; // made when it is not there
    const deltas::Image& now;
    std::vector<const deltas::Image*> olds; // releases that get a delta
    enum class Audience { all, test } audience = Audience::all;
};

// Writes the UKI, the full file, a delta from each old release, and the index, which appears last: a node
// sees all of the release or none of it. Of another role or release nothing is touched but the index.
ReleaseIndex publish(const Order& order, Renderer& renderer);

} // namespace ashlar::publish

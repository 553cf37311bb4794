#pragma once

// A node that was started from a medium puts itself on a disk of the machine, or makes a node's disk of
// the medium.
//
//     medium → site.toml → requirements → disk by rule → layout and copies → read back → state → boot files
//
// Nothing is written before the rule has named one disk. What is written starts only when all of it is
// there: docs/formats/node-disk.md has the order.

#include <site/site.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::node {

// Why nothing was installed, for people; several lines.
struct Waiting {
    std::string reason;
};

// Looks once. Nothing: the disk is a node's now, and a restart starts it. `say` gets a line for each step.
// An Error when a step failed: the disk then counts as blank for the next attempt.
[[nodiscard]] std::optional<Waiting> install(const std::function<void(std::string_view)>& say);

// What of the site's requirements this machine (below `root`) does not meet, one line each.
[[nodiscard]] std::vector<std::string> unmet(const site::Site& site, const std::filesystem::path& root = "/");

} // namespace ashlar::node

#pragma once

// A node that was started from a medium puts itself on a disk of the machine, or makes a node's disk of
// the medium.
//
//     medium → site.toml → requirements → Secure Boot → disk by rule → layout and copies → read back → state → boot files
//
// Nothing is written before the rule has named one disk. What is written starts only when all of it is
// there: docs/formats/node-disk.md has the order.

#include <site/site.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::node {

// Why nothing was installed, for people; several lines.
struct Waiting {
    std::string reason;
};

// What was done; a restart goes on.
enum class Done {
    installed,     // the disk is a node's now
    keys_enrolled, // the firmware has the medium's Secure Boot keys, and the medium installs at its next start
};

// Looks once. `say` gets a line for each step. An Error when a step failed: the disk then counts as blank for
// the next attempt.
[[nodiscard]] std::variant<Done, Waiting> install(const std::function<void(std::string_view)>& say);

// What of the site's requirements this machine (below `root`) does not meet, one line each.
[[nodiscard]] std::vector<std::string> unmet(const site::Site& site, const std::filesystem::path& root = "/");

} // namespace ashlar::node

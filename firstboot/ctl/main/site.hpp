#pragma once

// Commands about the whole site: they ask the voters (docs/formats/voters-interface.md), as root at this node.

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

namespace ashlar::ctl {

struct Door {
    std::string socket; // of ashlard
    bool json = false;  // how answers are shown
};
using SiteCommand = std::function<int(const Door& door)>;

// `choose` is told what was asked for.
void add_site_commands(CLI::App& app, const std::function<void(SiteCommand command)>& choose);

} // namespace ashlar::ctl

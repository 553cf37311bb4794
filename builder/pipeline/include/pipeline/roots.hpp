#pragma once

// Roots as stages: unpacked (enough for tools, initrds and compilers, whose scripts never run) and
// configured (a node's, with scripts run, Python compiled and everything that tells two builds apart
// taken out).

#include <lock/lock.hpp>
#include <pipeline/stage.hpp>
#include <pipeline/workshop.hpp>
#include <root/sandbox.hpp>

#include <string>
#include <vector>

namespace ashlar::pipeline {

// <output>/root. The role's packages are in the store: fetch_packages().
[[nodiscard]] StageResult unpacked_root(Workshop& workshop, const lock::Lock& lock, const std::string& role);

// <output>/root and <output>/log.
[[nodiscard]] StageResult configured_root(Workshop& workshop, const lock::Lock& lock, const recipe::Role& role);

[[nodiscard]] root::ToolsRoot tools_root(Workshop& workshop, const lock::Lock& lock);

// Brings what is missing into the store, and ashlard's package when a role has it.
void fetch_packages(Workshop& workshop, const lock::Lock& lock, const std::vector<std::string>& roles);

} // namespace ashlar::pipeline

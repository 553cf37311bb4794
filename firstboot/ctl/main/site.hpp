#pragma once

// Commands about the whole site: they ask the voters.

#include "site_door.hpp"

namespace ashlar::ctl {

// `choose` is told what was asked for.
void add_site_commands(CLI::App& app, const Choose& choose);
// Those about people: certificates, and what takes two of them.
void add_operator_commands(CLI::App& app, const Choose& choose);
// `order`.
void add_order_commands(CLI::App& app, const Choose& choose);

// `verify`.
void add_verify_command(CLI::App& app, const Choose& choose);
// `timeline`.
void add_timeline_command(CLI::App& app, const Choose& choose);

// A site's directory, as `plan.apply` wants it.
[[nodiscard]] Json plan_files(const std::string& directory);

} // namespace ashlar::ctl

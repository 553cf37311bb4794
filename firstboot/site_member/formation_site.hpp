#pragma once

// The site as formations see it: its members in the plan's order, with their planes, and with what their roles extend.

#include <formation/roles.hpp>
#include <forming/site.hpp>
#include <roster/roster.hpp>
#include <site/site.hpp>

namespace ashlar::site_member {

[[nodiscard]] forming::Site formation_site(const site::Site& plan, const GenesisId& genesis, const roster::Roster& roster, const formation::RoleGraph& roles);

} // namespace ashlar::site_member

#pragma once

// Files of ours, and which units start.

#include <formation/roles.hpp>
#include <recipe/model.hpp>

#include <cstdint>
#include <filesystem>

namespace ashlar::root {

// Copies the role's overlays into the root, in order, later ones over earlier ones. Everything is
// root:root, directories and executable files 0755, other files 0644, whatever the working copy says;
// `files` of the recipe say otherwise by path, with names of the root's own accounts. A link or file
// replaces what was there; a directory goes where the root's links lead ("lib/…" to "usr/lib/…").
// All times are the epoch. Errors: a file where a directory is, an owner that the root does not know.
void apply_overlays(const std::filesystem::path& root, const recipe::Role& role, std::int64_t epoch);

// Everything off, the role's services on: writes /usr/lib/systemd/system-preset/00-ashlar.preset and
// its user counterpart, takes the links of init scripts out of /etc/rc?.d, and lets the root's own
// systemctl apply the presets. A service that the root does not have, that is masked, or that has no
// [Install] section is a toml::SourceError at its place in the recipe. For roots with systemd
// configured; nothing of it runs.
void apply_presets(const std::filesystem::path& root, const recipe::Role& role);

// The role's formations as files below /usr/lib/ashlar/formations, and role.json beside them, by which a node knows what the roles
// of all nodes extend. A unit, program or account that a formation needs and the root has not is a toml::SourceError at its place in
// the formation. `formations`: recipes/formations.
void place_formations(const std::filesystem::path& root, const recipe::Role& role, const std::filesystem::path& formations, const formation::RoleGraph& roles);

// Whether the root has the unit, or the template that it is an instance of; and the names of all that it has, sorted.
[[nodiscard]] bool has_unit(const std::filesystem::path& root, std::string_view unit);
[[nodiscard]] std::vector<std::string> units_of(const std::filesystem::path& root);

// Lines of systemd.preset(5) that enable the units, in their order. systemd takes the first line for a template and
// no other, so its instances share one: "enable getty@.service tty1 ttyS0".
[[nodiscard]] std::string preset_lines(const std::vector<std::string>& units);

} // namespace ashlar::root

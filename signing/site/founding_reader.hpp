#pragma once

// How a site begins and whom it believes: [genesis], [trust].

#include <site/site.hpp>

#include <toml/reader.hpp>

#include <vector>

namespace ashlar::site {

// `voters`: the nodes with `voter = true`, by name and place.
[[nodiscard]] Genesis read_genesis(toml::Table& table, const std::vector<toml::Text>& voters);
[[nodiscard]] Trust read_trust(toml::Table& table);
// An order that nobody could give.
void check_approval(toml::Table& root, const Site& site);

} // namespace ashlar::site

#pragma once

// [install], and who may log in: [access].

#include <site/site.hpp>

#include <toml/reader.hpp>

namespace ashlar::site {

void read_install(toml::Table& table, Site& site);
[[nodiscard]] Access read_access(toml::Table& table);

} // namespace ashlar::site

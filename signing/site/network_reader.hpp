#pragma once

// [[link]] and [planes.NAME].

#include "words.hpp"

#include <site/network.hpp>

#include <toml/reader.hpp>

#include <string>
#include <vector>

namespace ashlar::site {

// [[link]] of the file or of a template.
[[nodiscard]] std::vector<Link> read_links(toml::Table& owner);
// A template's links in the place of those that have their names, and behind the others.
[[nodiscard]] std::vector<Link> merged(std::vector<Link> links, const std::vector<Link>& with);
[[nodiscard]] const Link* link_named(const std::vector<Link>& links, std::string_view name);

// `links`: those of the file, and those of each template. Gateways are claimed in `addresses`.
[[nodiscard]] Planes read_planes(toml::Table& table, const std::vector<std::vector<Link>>& links, Once& addresses);

} // namespace ashlar::site

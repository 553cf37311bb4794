#pragma once

// What a train's file says of the release that is cut next: support, from where one may come, order, what is accepted.

#include <recipe/model.hpp>

#include <toml/reader.hpp>

namespace ashlar::recipe {

// After name, release and roles of the train are known.
void read_release_terms(toml::Table& root, Train& train);

} // namespace ashlar::recipe

#pragma once

// The order in which formations stand on each other.

#include <formation/reader.hpp>

#include <string>
#include <vector>

namespace ashlar::formation {

// Names of all of them, each behind those that it requires, otherwise by name.
[[nodiscard]] std::vector<std::string> ladder(const Formations& all);

} // namespace ashlar::formation

#pragma once

// Nodes that want to run one step at a time, against one store of keys: its requests and answers are lost, late and out of order, nodes
// are cut off, stop for an hour, lose power. Whatever happens, no two run a step at once.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace ashlar::scenario {

// What must not happen and did.
[[nodiscard]] std::optional<std::string> run_steps(std::uint64_t seed, const std::function<void(const std::string&)>& trace = {});

} // namespace ashlar::scenario

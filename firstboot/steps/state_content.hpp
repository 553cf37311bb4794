#pragma once

// Private to this module: what a node's state partition holds. docs/formats/state.md.

#include <base/json.hpp>

#include <filesystem>

namespace ashlar::steps {

// An Error when it was never written: a node has a state.
[[nodiscard]] Json content_of(const std::filesystem::path& partition);

} // namespace ashlar::steps

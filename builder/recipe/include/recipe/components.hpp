#pragma once

// recipes/components.toml: docs/formats/components.md.

#include <rules/components.hpp>

#include <toml/source.hpp>

namespace ashlar::recipe {

// SourceError with all that is wrong: keys, types, a rule that is not there, a line that its rule's kind cannot have.
[[nodiscard]] rules::Components read_components(const toml::SourcePtr& source);

} // namespace ashlar::recipe

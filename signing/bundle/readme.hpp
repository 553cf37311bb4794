#pragma once

#include <bundle/reader.hpp>

#include <string>

namespace ashlar::bundle {

// The first entry, for people. Of offsets and of its own size nothing is said.
[[nodiscard]] std::string readme_of(const Contents& contents);

} // namespace ashlar::bundle

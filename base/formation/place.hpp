#pragma once

#include <toml/reader.hpp>

namespace ashlar::formation {

// The place of a part of a text in the file: the very word where the text stands there as it is, the whole text where
// escapes are in between. `offset` and `size` are bytes of the text.
[[nodiscard]] toml::Position place_in(const toml::Text& text, std::size_t offset, std::size_t size);

// "did you mean 'x'?", "known: x, y" for few, nothing for many.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& known, std::string_view what);

} // namespace ashlar::formation

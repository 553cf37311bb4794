#pragma once

// Checks that role and train files share.

#include <toml/reader.hpp>

#include <functional>
#include <string_view>
#include <vector>

namespace ashlar::recipe {

using Predicate = bool (*)(std::string_view) noexcept;

// One line that says what the file is for.
[[nodiscard]] toml::Text summary(toml::Table& table);

// For each text that fails, a problem "'text' is not <what>" with `remedy`; what fails is left out.
[[nodiscard]] std::vector<toml::Text> only_valid(toml::Table& table, std::vector<toml::Text> texts, Predicate valid,
                                                 std::string_view what, std::string_view remedy);

// A problem "<what> 'text' is given twice" that shows both places.
void report_twice(toml::Problems& problems, std::string_view what, std::string_view text, const toml::Position& second,
                  const toml::Position& first);

// report_twice() for each text whose key(text) occurred before.
void refuse_duplicates(toml::Problems& problems, std::string_view what, const std::vector<toml::Text>& texts,
                       const std::function<std::string_view(std::string_view)>& key = {});

} // namespace ashlar::recipe

#pragma once

// One train file, checked as far as it can be alone: that the roles, keys and folders it names are
// there is for the directory to see.

#include <recipe/model.hpp>

#include <toml/reader.hpp>

namespace ashlar::recipe {

// Keys and folders are as written, relative to recipes/keys and to the top directory.
[[nodiscard]] Train read_train_file(const toml::SourcePtr& source, std::string name);

} // namespace ashlar::recipe

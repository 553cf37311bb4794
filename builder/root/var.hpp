#pragma once

#include <cstdint>
#include <filesystem>

namespace ashlar::root {

// Turns /var into lines of tmpfiles.d(5) in var_lines_file and contents in /usr/share/factory/var,
// and empties it. Lines of an earlier run stay. Paths that a package's own tmpfiles.d lines make get
// none from us: the package knows better.
void seal_var(const std::filesystem::path& root, std::int64_t epoch);

} // namespace ashlar::root

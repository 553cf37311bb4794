#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <sys/stat.h>

namespace ashlar::root {

enum class Descend { yes, no };

// Calls `visit` for everything below `root`/`top`, `top` itself left out, each directory before what is
// in it, names in byte order; links are not followed. `path` is relative to `root`. What `visit` removes
// is not entered. A `top` that is missing, or not a directory, has nothing below it.
void walk(const std::filesystem::path& root, const std::string& top,
          const std::function<Descend(const std::string& path, const struct stat& status)>& visit);

} // namespace ashlar::root

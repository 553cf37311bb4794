#pragma once

#include <filesystem>

namespace ashlar::root {

enum class LastLink { kept, followed };

// Where `path`, as a program inside the root would write it, is on our side: links are followed as
// inside, so that none leads out of the root. What does not exist is taken as written. Throws Error
// on a loop.
[[nodiscard]] std::filesystem::path inner_path(const std::filesystem::path& root, const std::filesystem::path& path, LastLink last);

} // namespace ashlar::root

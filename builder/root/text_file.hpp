#pragma once

// Small changes to text files of a root.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace ashlar::root {

// Replaces each line (without its end) by what `edit` makes of it. Owner, mode and attributes stay.
void edit_lines(const std::filesystem::path& file, const std::function<std::string(std::string_view)>& edit);

// New contents for a file that keeps its owner, mode and attributes; a new file is root's, 0644.
void rewrite(const std::filesystem::path& file, std::string_view contents);

} // namespace ashlar::root

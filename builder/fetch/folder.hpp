#pragma once

// A local folder of packages as an archive: what `dpkg-scanpackages` would say about it.

#include <filesystem>
#include <string>

namespace ashlar::fetch {

// A Packages text of all `*.deb` in the folder and below, sorted by path; the same packages give the
// same text, wherever the folder is.
[[nodiscard]] std::string scan_folder(const std::filesystem::path& folder);

} // namespace ashlar::fetch

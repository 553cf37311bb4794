#pragma once

// A local folder of packages as an archive: what `dpkg-scanpackages` would say about it.

#include <debian/source_package.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::fetch {

// A Packages text of all `*.deb` in the folder and below, sorted by path; the same packages give the
// same text, wherever the folder is.
[[nodiscard]] std::string scan_folder(const std::filesystem::path& folder);

// The source packages whose .dsc is in the folder or below, by path; the .dsc is one of its files. Nobody's signature is checked:
// the folder is its owner's own.
[[nodiscard]] std::vector<debian::SourcePackage> scan_sources(const std::filesystem::path& folder);

} // namespace ashlar::fetch

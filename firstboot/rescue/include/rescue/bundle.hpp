#pragma once

// What somebody else needs to see of a node to help, in one file: docs/guides/support.md.

#include <rescue/redaction.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace ashlar::rescue {

// A text of the bundle. `read` may fail: then the page says why.
struct Page {
    std::string name; // "site.json", "formations/formations.journal"
    std::function<std::string()> read;
};

struct BundleLimits {
    std::size_t of_page = std::size_t{8} << 20U, whole = std::size_t{64} << 20U; // bytes, before they are compressed
};

// Writes `file`, which must end in .tar.gz or .tar.zst, with mode 0600: a directory `name` with all pages, cleaned, and contents.txt.
// Of a page that is too long its end is there. An Error leaves nothing, and never takes the place of what is there. `turn` is told
// how many pages are done.
void write_bundle(const std::filesystem::path& file, const std::string& name, const std::vector<Page>& pages, const Redaction& redaction, const std::function<void(std::size_t done)>& turn, BundleLimits limits = {});

} // namespace ashlar::rescue

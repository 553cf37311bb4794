#pragma once

// Building an image once more from its lock, and saying where the two differ.

#include <pipeline/build.hpp>
#include <pipeline/tree_record.hpp>
#include <pipeline/workshop.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::pipeline {

struct Difference {
    std::string what; // "/etc/passwd", "section .initrd of the UKI", "ashlar_base_R0.0_amd64.spdx.json"
    std::string package; // whose file it is; empty: of none
    std::string cause; // a sentence
};

// Two records of the same root, entry by entry. `overlays` tell what came from there.
[[nodiscard]] std::vector<Difference> compare(const TreeRecord& first, const TreeRecord& second,
                                              const std::vector<std::filesystem::path>& overlays);

// Rebuilds `product`'s image from the lock beside it, every stage anew (packages come from the store),
// in a directory that is removed again, and compares all files but the log. Empty: the same bytes. Error when signatures are
// wanted: there is nobody to wait for them.
[[nodiscard]] std::vector<Difference> verify(Workshop& workshop, const std::string& role, const Product& product, const ImageSigner& signer);

} // namespace ashlar::pipeline

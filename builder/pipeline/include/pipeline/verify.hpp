#pragma once

// Building an image once more from its lock, and saying where the two differ.

#include <pipeline/build.hpp>
#include <pipeline/tree_record.hpp>
#include <pipeline/workshop.hpp>

#include <filesystem>
#include <memory>
#include <optional>
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

// The files of two builds of one image but for the disk; of what is named already, nothing more is said.
[[nodiscard]] std::vector<Difference> compare_files(const Product& first, const Product& second, const std::vector<std::filesystem::path>& overlays);

// The packages of a store and none of its results, nor a team's: whoever builds here builds from the beginning. What was made
// is removed with it.
class EmptyStore {
public:
    explicit EmptyStore(Workshop& workshop);

    [[nodiscard]] const std::filesystem::path& space() const noexcept { return space_.path(); } // to work in
    // For the same recipes; `trusted_root`: of the images.
    [[nodiscard]] Workshop workshop(const std::string& release, const std::filesystem::path& trusted_root) const;

private:
    Workshop& workshop_;
    store::Workspace space_;
    std::filesystem::path store_;
};

// Compiles ashlard anew where the lock has it: nothing when that gives the package that the lock names.
[[nodiscard]] std::optional<Difference> compare_daemon(Workshop& workshop, const lock::Lock& lock);

// Rebuilds `product`'s image from the lock beside it, every stage anew (packages come from the store),
// in a directory that is removed again, and compares all files but the log. Empty: the same bytes. Error when signatures are
// wanted: there is nobody to wait for them.
[[nodiscard]] std::vector<Difference> verify(Workshop& workshop, const std::string& role, const Product& product, const ImageSigner& signer);

} // namespace ashlar::pipeline

#pragma once

// From a lock to images: the stages of docs/architecture.md, in their order.

#include <evidence/manifest.hpp>
#include <evidence/subject.hpp>
#include <lock/lock.hpp>
#include <pipeline/tree_record.hpp>
#include <pipeline/workshop.hpp>
#include <signing/image_signer.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::pipeline {

// The files of one image, all in one directory and with one beginning:
// "ashlar_<role>_<release>_<architecture>".
struct Product {
    std::filesystem::path directory;
    std::string base;

    [[nodiscard]] std::filesystem::path file(std::string_view suffix) const { return directory / (base + std::string(suffix)); }
    [[nodiscard]] std::filesystem::path disk() const { return file(".raw"); }
    [[nodiscard]] std::filesystem::path uki() const { return file(".efi"); }
    [[nodiscard]] std::filesystem::path manifest() const { return file(".manifest.json"); }
    [[nodiscard]] std::filesystem::path lock() const { return file(".lock"); }
    [[nodiscard]] std::filesystem::path tree() const { return file(".tree.json"); }
};
[[nodiscard]] Product product_of(const recipe::Train& train, const std::string& role, const std::filesystem::path& directory);

// The packages that end up in a role's image, by the part of it that they are in. `lock` outlives it.
[[nodiscard]] std::vector<evidence::Part> parts_of(const recipe::Role& role, const recipe::Train& train, const lock::Lock& lock);

// What is in the root of a role's image, before anything of it is signed; build_image() finds it in the store.
[[nodiscard]] TreeRecord record_of_root(Workshop& workshop, const lock::Lock& lock, const std::string& name);

// Builds the image of one role and puts its files into `directory`, each complete under its name, the
// disk image last. The packages of the role and its helpers are in the store: fetch_packages(). Nothing while signatures are
// wanted: then all that can be asked for is asked for, and what was made for it is in the store.
[[nodiscard]] std::optional<Product> build_image(Workshop& workshop, const lock::Lock& lock, const std::string& role, const ImageSigner& signer,
                                                 const std::filesystem::path& directory);

// The same for who compares it with one that was published, and has none of its keys: without the disk image, since the
// signature of the boot loader in it is published nowhere. Manifest and bills of materials say of it what `disk` says. A
// signature that `signer` does not give is left out of the UKI.
[[nodiscard]] Product remake_image(Workshop& workshop, const lock::Lock& lock, const std::string& role, const ImageSigner& signer, const evidence::Artefact& disk,
                                   const std::filesystem::path& directory);

} // namespace ashlar::pipeline

#pragma once

// What runs here, as the signed command line of its UKI says.

#include <signing/digest.hpp>

#include <filesystem>

namespace ashlar::node {

// roothash= of <root>/proc/cmdline. An Error when it names none: only images made by `ashlar build` do.
[[nodiscard]] Digest running_root_hash(const std::filesystem::path& root = "/");

// Whether the rescue entry of the boot menu was started (docs/guides/rescue.md), by the same command line.
[[nodiscard]] bool is_rescue(const std::filesystem::path& root = "/");
// Register 12 (SHA-256) of the TPM then, when nothing was added to the UKI: docs/formats/uki.md, "PCR 11".
[[nodiscard]] Digest rescue_pcr12();

} // namespace ashlar::node

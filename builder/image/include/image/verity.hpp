#pragma once

// The hash tree of a root file system. Identifier and salt are constant for a role, so that block
// digests of two of its releases can be compared.

#include <signing/verity.hpp>

#include <filesystem>
#include <string_view>

namespace ashlar::image {

// Identifier: guid_named("verity:<role>"). Salt: SHA-256("ashlar:salt:<role>").
[[nodiscard]] VerityParameters verity_parameters(std::string_view role);

// Writes `output`; determined by `file_system` and the role.
[[nodiscard]] Digest make_verity(std::string_view role, const std::filesystem::path& file_system,
                                 const std::filesystem::path& output);

} // namespace ashlar::image

#pragma once

// What runs here, as the signed command line of its UKI says.

#include <signing/digest.hpp>

#include <filesystem>

namespace ashlar::node {

// roothash= of <root>/proc/cmdline. An Error when it names none: only images made by `ashlar build` do.
[[nodiscard]] Digest running_root_hash(const std::filesystem::path& root = "/");

} // namespace ashlar::node

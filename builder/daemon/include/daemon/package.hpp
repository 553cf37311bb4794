#pragma once

// ashlard as a package: compiled, tested and packed in a root of kind `build`, so that it is made
// with the compiler and libraries of the images' distribution. The same source and the same root
// give the same bytes, wherever the source lies.

#include <signing/digest.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::daemon {

// The parts of the source tree that go in: everything the compiler can see is in this list.
[[nodiscard]] const std::vector<std::filesystem::path>& source_parts();

// Every command that make_package() runs, as text: with the build root and the source it determines
// the package.
[[nodiscard]] std::string procedure();

// The control file of the package, with Version and Architecture filled in; `source` is the top of
// Ashlar's source tree.
[[nodiscard]] std::string control_text(const std::filesystem::path& source, const std::string& architecture);

struct PackageInput {
    std::filesystem::path build_root; // unpacked
    std::filesystem::path source;
    std::string architecture;
};
// Writes `output`; `work` is an empty directory, `log` receives what the compiler and the tests say.
// Error when it does not compile or a test fails. Every file in it bears the same fixed time.
void make_package(const PackageInput& input, const std::filesystem::path& work, const std::filesystem::path& log,
                  const std::filesystem::path& output);

} // namespace ashlar::daemon

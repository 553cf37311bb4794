#pragma once

// From a paragraph of Packages to a Package.

#include <debian/control.hpp>
#include <debian/package.hpp>

namespace ashlar::debian {

// Errors point into the file. Archive, suite, component and pin are the caller's to fill.
[[nodiscard]] Package read_package(const Paragraph& paragraph, const ControlReader& where);

} // namespace ashlar::debian

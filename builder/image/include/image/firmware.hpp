#pragma once

// What a role says about its kernel's modules, held against what they need.

#include <image/kernel.hpp>
#include <recipe/model.hpp>

namespace ashlar::image {

// SourceError with each module whose firmware the root lacks, at the role's word for it, unless the role
// waives it. What is said by no word of the role's, because another module needs it, is shown for the
// file as a whole.
void refuse_missing_firmware(const recipe::Role& role, const MissingFirmware& missing);

} // namespace ashlar::image

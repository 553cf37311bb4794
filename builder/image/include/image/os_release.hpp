#pragma once

// os-release(5): who an image is. IMAGE_ID is "ashlar" for all roles, so that the boot menu sorts by
// release; the role is VARIANT_ID, the release IMAGE_VERSION.

#include <map>
#include <string>
#include <string_view>

namespace ashlar::image {

// The text with IMAGE_ID, IMAGE_VERSION, VARIANT_ID and PRETTY_NAME replaced or appended; all other
// lines stay as they are. The pipeline writes the result to usr/lib/os-release before the root is recorded.
[[nodiscard]] std::string identify(std::string_view os_release, std::string_view role, std::string_view release);

} // namespace ashlar::image

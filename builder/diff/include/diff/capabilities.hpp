#pragma once

// File capabilities, capabilities(7), as text.

#include <string>
#include <string_view>

namespace ashlar::diff {

// "cap_net_bind_service,cap_net_raw=ep" of the extended attribute security.capability (version 2 or 3 of
// struct vfs_cap_data in Linux' capability.h); the bytes in hexadecimal where it has another form.
[[nodiscard]] std::string capabilities_text(std::string_view attribute);

} // namespace ashlar::diff

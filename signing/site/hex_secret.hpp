#pragma once

// Secrets as hexadecimal digits and back, with nothing left behind on the way.

#include <signing/secret.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace ashlar::site {

[[nodiscard]] Secret hex_of(const Secret& secret);
// Nothing for what is not `size` bytes in lower case.
[[nodiscard]] std::optional<Secret> secret_from_hex(std::string_view hex, std::size_t size);

} // namespace ashlar::site

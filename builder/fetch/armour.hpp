#pragma once

// OpenPGP's ASCII armour (RFC 9580, 6.2): gpgv takes binary keyrings only.

#include <string>
#include <string_view>

namespace ashlar::fetch {

// The bytes of all public key blocks, one after the other. A text without a block that is binary
// already is returned as it is. Errors: `cannot read the key '<name>': …`.
[[nodiscard]] std::string binary_certificates(std::string_view text, std::string_view name);

} // namespace ashlar::fetch

#pragma once

// Certificates of others, whatever kind of key they are for.

#include <signing/bytes.hpp>

#include <string_view>
#include <vector>

namespace ashlar {

// The DER of each certificate in a PEM text, in its order. Throws Error when there is none, and for a block of another kind
// or with more in it than a certificate.
[[nodiscard]] std::vector<Bytes> certificates_in(std::string_view pem, std::string_view name);

} // namespace ashlar

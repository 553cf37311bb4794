#pragma once

// Who a node is: the first 16 bytes of SHA-256 over the SubjectPublicKeyInfo (DER) of its own key. docs/formats/certificates.md.

#include <base/id.hpp>
#include <signing/message_key.hpp>

namespace ashlar {

// Of every key that a site's nodes, operators and authority have.
inline constexpr SignatureScheme site_scheme = SignatureScheme::ecdsa_p256;

[[nodiscard]] NodeId node_id_of(const VerifyingKey& key);

} // namespace ashlar

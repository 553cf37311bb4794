#pragma once

// Private to this module: public keys as SubjectPublicKeyInfo, one form for one key.

#include <signing/bytes.hpp>
#include <signing/message_key.hpp>

namespace ashlar {

// Of an Ed25519 or elliptic-curve key, from its point as <signing/raw_key.hpp> says; not checked to be one.
[[nodiscard]] Bytes public_key_info(SignatureScheme scheme, ByteView point);

} // namespace ashlar

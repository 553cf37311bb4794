#pragma once

// Private to the rooms that OpenSSL is let into: the handle of a key, for what OpenSSL itself signs with it (a certificate, a
// handshake of TLS) and for agreement on a secret, which is no signature.

#include "openssl.hpp"

#include <signing/message_key.hpp>

namespace ashlar {

struct SigningKey::State {
    openssl::Key key;
    SignatureScheme scheme;
};

struct SigningKeyHandle {
    // Belongs to the key.
    [[nodiscard]] static EVP_PKEY* of(const SigningKey& key) { return key.state_->key.get(); }
};

} // namespace ashlar

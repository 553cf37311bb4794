#pragma once

// Private to this module, and for the test vectors of RFC 9180: what <signing/hpke.hpp> fixes is open here.

#include <signing/hpke.hpp>

#include <cstdint>

#include <openssl/evp.h>

namespace ashlar::hpke {

struct Suite {
    std::uint16_t aead; // RFC 9180, 7.3
    std::size_t key_size;
    const EVP_CIPHER* (*cipher)();
};
inline constexpr Suite aes_256_gcm{0x0002, 32, EVP_aes_256_gcm};

// `ephemeral` is for this one message; a second one would have the same key and nonce.
[[nodiscard]] Bytes seal(const Suite& suite, const SigningKey& ephemeral, const VerifyingKey& to, std::string_view info, ByteView aad, ByteView plain);
[[nodiscard]] std::optional<Secret> open(const Suite& suite, const SigningKey& key, std::string_view info, ByteView aad, ByteView sealed);

} // namespace ashlar::hpke

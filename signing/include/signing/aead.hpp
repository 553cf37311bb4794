#pragma once

// Bytes that only who has the key can read and nobody can change: AES-256-GCM (NIST SP 800-38D), nonce of 12 bytes, tag of 16.

#include <signing/bytes.hpp>
#include <signing/secret.hpp>

#include <optional>

namespace ashlar {

// How formats name it.
inline constexpr std::string_view aead_algorithm = "aes-256-gcm";
inline constexpr std::size_t aead_key_size = 32;

// A random nonce, the ciphertext and the tag. `context` is not in it, and must be the same when it is opened. An Error for a key of another
// size.
[[nodiscard]] Bytes encrypt(const Secret& key, ByteView context, ByteView plain);
// Nothing for another key or context, and for what was changed since. Whoever gets secrets out of it wipes them.
[[nodiscard]] std::optional<Bytes> decrypt(const Secret& key, ByteView context, ByteView sealed);

} // namespace ashlar

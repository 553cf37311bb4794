#pragma once

// Keys and signatures in the forms in which tokens (PKCS #11) have them, and from there in ours.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>

#include <string_view>

namespace ashlar {

// `point`: of an Ed25519 key its 32 bytes (RFC 8032), of an elliptic curve the uncompressed point, 0x04 ‖ x ‖ y (SEC 1, 2.3.3).
// An Error when it is none of that curve.
[[nodiscard]] VerifyingKey key_from_point(SignatureScheme scheme, ByteView point, std::string_view name);
// Both numbers big-endian.
[[nodiscard]] PublicKey rsa_key(ByteView modulus, ByteView exponent, std::string_view name);

// What an algorithm that does not hash by itself signs: the message's SHA-256 or SHA-384; of ed25519 the message.
[[nodiscard]] Bytes digest_for(SignatureScheme scheme, ByteView message);
// DigestInfo of a SHA-256 digest: what RSASSA-PKCS1-v1_5 pads (RFC 8017, 9.2).
[[nodiscard]] Bytes digest_info(const Digest& digest);
// r ‖ s, both of the same length, as DER (RFC 3279, Ecdsa-Sig-Value).
[[nodiscard]] Bytes ecdsa_signature(ByteView halves);

} // namespace ashlar

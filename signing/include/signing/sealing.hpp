#pragma once

// A short secret that only the holder of an RSA private key can read: RSAES-OAEP (RFC 8017, 7.1) with
// SHA-256, MGF1 with SHA-256, and no label. The holder reads it with
//
//     openssl pkeyutl -decrypt -inkey KEY -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256

#include <signing/bytes.hpp>
#include <signing/key.hpp>

namespace ashlar {

// How formats name it.
inline constexpr std::string_view sealing_algorithm = "rsa-oaep-sha256";

// As long as the key's modulus; other bytes at each call. `secret` may have at most 190 bytes (a key of
// 2048 bits).
[[nodiscard]] Bytes seal(const PublicKey& to, ByteView secret);

} // namespace ashlar

#pragma once

// Private to this module: PKCS #7 SignedData (RFC 2315) with one signer, SHA-256 and RSA, and no time
// of day, as Authenticode and UEFI variables use it.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>

#include <string_view>
#include <vector>

namespace ashlar::pkcs7 {

inline constexpr std::string_view data = "1.2.840.113549.1.7.1";

// SET OF { contentType, messageDigest }, as it is hashed for the signature.
[[nodiscard]] Bytes attributes(std::string_view content_type, const Digest& message);

// The SignedData alone, without the ContentInfo around it.
// `content_info`: the inner ContentInfo. `signed_attributes`: from attributes(), or empty.
[[nodiscard]] Bytes signed_data(const Bytes& content_info, const Certificate& signer, ByteView signed_attributes,
                                ByteView signature);
// ContentInfo { signedData, … }
[[nodiscard]] Bytes content_info(const Bytes& signed_data);

// Throws `cannot attach the signature to '<object>': …` unless `signature` is the certificate's key's
// over `digest`: whatever came back from a token or another machine is checked before it is used.
void check_answer(const Certificate& signer, const Digest& digest, ByteView signature, std::string_view object);

} // namespace ashlar::pkcs7

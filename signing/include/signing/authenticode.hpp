#pragma once

// Authenticode signatures of PE images, as UEFI firmware verifies them (UEFI 2.10, 32.5). No signing
// time and no other source of change: the same image, key and certificate give the same bytes.
//
// Signing can happen in two phases, so that the key may be elsewhere: what has to be signed is
// `request.message`; the answer is attached afterwards.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar {

struct AuthenticodeRequest {
    Digest image;  // the Authenticode digest of the image
    Bytes message; // what the key of the certificate has to sign: the DER of the signed attributes
    Digest digest; // SHA-256 of it, which is what a Signer takes
};
[[nodiscard]] AuthenticodeRequest request_authenticode(ByteView image, std::string_view name);

// What such a message is over: the digest of the image's SpcIndirectDataContent. Nothing unless it has exactly the form that
// request_authenticode() gives it.
[[nodiscard]] std::optional<Digest> content_of_authenticode_message(ByteView message);
// The digest that the message for an image has inside: for comparing an image with a message.
[[nodiscard]] Digest authenticode_content(const Digest& image);

// Throws when `signature` is not that of the certificate's key over request_authenticode(image).digest.
// An image that is signed already keeps its signatures and gets one more.
[[nodiscard]] Bytes attach_authenticode(Bytes image, const Certificate& signer, ByteView signature,
                                        std::string_view name);

// Both at once.
[[nodiscard]] Bytes sign_authenticode(Bytes image, const Identity& identity, std::string_view name);

struct AuthenticodeSignature {
    Certificate signer;
    std::vector<Certificate> others; // further certificates that came along
    Digest claimed_image;            // the digest that the signature is over
    bool intact;                     // the signature itself is right, and over the image as it is
    Bytes signature;                 // as attach_authenticode() takes it
};
// All signatures of an image, whoever made them. Throws when one cannot be read.
[[nodiscard]] std::vector<AuthenticodeSignature> read_authenticode(ByteView image, std::string_view name);

// The answer of a firmware whose db holds `trusted`: validity in time plays no part, as in firmware.
struct Trusted {
    Certificate signer;
};
struct Untrusted {
    std::string cause; // "it is not signed", …
};
[[nodiscard]] std::variant<Trusted, Untrusted> verify_authenticode(ByteView image,
                                                                   const std::vector<Certificate>& trusted,
                                                                   std::string_view name);

} // namespace ashlar

#include "pkcs7.hpp"

#include "der.hpp"

#include <base/error.hpp>

#include <fmt/format.h>

namespace ashlar::pkcs7 {

namespace {

constexpr std::string_view signed_data_type = "1.2.840.113549.1.7.2";
constexpr std::string_view content_type_attribute = "1.2.840.113549.1.9.3";
constexpr std::string_view message_digest_attribute = "1.2.840.113549.1.9.4";
constexpr std::string_view sha256_type = "2.16.840.1.101.3.4.2.1";
constexpr std::string_view rsa_type = "1.2.840.113549.1.1.1";

using der::element;
using der::Tag;

Bytes attribute(std::string_view type, Bytes value) {
    return element(Tag::sequence, {der::object_identifier(type), element(Tag::set, {std::move(value)})});
}

// In the SignerInfo the set is tagged [0]; hashed, it is a SET.
Bytes tagged_as_context_0(ByteView set) {
    Bytes bytes(set.begin(), set.end());
    if (!bytes.empty()) bytes[0] = static_cast<std::byte>(Tag::context_0_constructed);
    return bytes;
}

Bytes signer_info(const Certificate& signer, ByteView signed_attributes, ByteView signature) {
    return element(Tag::sequence, {der::integer(1), signer.issuer_and_serial(), der::algorithm(sha256_type),
                                   tagged_as_context_0(signed_attributes), der::algorithm(rsa_type),
                                   element(Tag::octet_string, signature)});
}

} // namespace

Bytes attributes(std::string_view content_type, const Digest& message) {
    return der::set_of({attribute(content_type_attribute, der::object_identifier(content_type)),
                        attribute(message_digest_attribute, element(Tag::octet_string, message.bytes()))});
}

Bytes signed_data(const Bytes& inner, const Certificate& signer, ByteView signed_attributes, ByteView signature) {
    return element(Tag::sequence, {der::integer(1), element(Tag::set, {der::algorithm(sha256_type)}), inner,
                                   element(Tag::context_0_constructed, signer.der()),
                                   element(Tag::set, {signer_info(signer, signed_attributes, signature)})});
}

Bytes content_info(const Bytes& signed_data) {
    return element(Tag::sequence,
                   {der::object_identifier(signed_data_type), element(Tag::context_0_constructed, {signed_data})});
}

void check_answer(const Certificate& signer, const Digest& digest, ByteView signature, std::string_view object) {
    if (!signer.public_key().verifies(digest, signature))
        throw Error(fmt::format("cannot attach the signature to '{}': it is not the signature of '{}' over this request",
                                object, signer.subject()),
                    "sign the request again with the key of that certificate");
}

} // namespace ashlar::pkcs7

#include <signing/raw_key.hpp>

#include "der.hpp"
#include "public_key.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace ashlar {

namespace {

using der::element;
using der::Tag;

constexpr std::string_view rsa_type = "1.2.840.113549.1.1.1";
constexpr std::string_view sha256_type = "2.16.840.1.101.3.4.2.1";

// A positive INTEGER: the fewest bytes, and a zero in front where the first bit would make it negative.
Bytes integer(ByteView number) {
    while (number.size() > 1 && number.front() == std::byte{0}) number = number.subspan(1);
    Bytes bytes;
    if (number.empty() || (number.front() & std::byte{0x80}) != std::byte{0}) bytes.push_back(std::byte{0});
    append(bytes, number);
    return element(Tag::integer, bytes);
}

} // namespace

VerifyingKey key_from_point(SignatureScheme scheme, ByteView point, std::string_view name) {
    return VerifyingKey::from_der(public_key_info(scheme, point), scheme, name);
}

PublicKey rsa_key(ByteView modulus, ByteView exponent, std::string_view name) {
    Bytes bits{std::byte{0}};
    append(bits, element(Tag::sequence, {integer(modulus), integer(exponent)}));
    return PublicKey::from_der(element(Tag::sequence, {der::algorithm(rsa_type), element(Tag::bit_string, bits)}), name);
}

Bytes digest_info(const Digest& digest) {
    return element(Tag::sequence, {der::algorithm(sha256_type), element(Tag::octet_string, digest.bytes())});
}

Bytes ecdsa_signature(ByteView halves) {
    if (halves.empty() || halves.size() % 2 != 0)
        throw Error(fmt::format("cannot read an ECDSA signature: its {} bytes are not two numbers of one length", halves.size()));
    const std::size_t half = halves.size() / 2;
    return element(Tag::sequence, {integer(halves.first(half)), integer(halves.subspan(half))});
}

} // namespace ashlar

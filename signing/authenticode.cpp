#include <signing/authenticode.hpp>

#include "der.hpp"
#include "openssl.hpp"
#include "pkcs7.hpp"

#include <base/error.hpp>
#include <signing/pe.hpp>

#include <algorithm>
#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace ashlar {

namespace {

constexpr std::string_view indirect_data_type = "1.3.6.1.4.1.311.2.1.4";
constexpr std::string_view pe_image_data_type = "1.3.6.1.4.1.311.2.1.15";
constexpr std::string_view sha256_type = "2.16.840.1.101.3.4.2.1";

using der::element;
using der::Tag;

// SpcPeImageData: no flags, and a "file" that the specification has made a constant.
Bytes pe_image_data() {
    Bytes obsolete;
    for (const char c : std::string_view("<<<Obsolete>>>")) {
        obsolete.push_back(std::byte{0});
        obsolete.push_back(static_cast<std::byte>(c));
    }
    const Bytes file = element(Tag::context_2_constructed, {element(Tag::context_0, obsolete)});
    return element(Tag::sequence, {element(Tag::bit_string, Bytes{std::byte{0}}), element(Tag::context_0_constructed, file)});
}

Bytes indirect_data(const Digest& image) {
    const Bytes data = element(Tag::sequence, {der::object_identifier(pe_image_data_type), pe_image_data()});
    const Bytes digest = element(Tag::sequence, {der::algorithm(sha256_type), element(Tag::octet_string, image.bytes())});
    return element(Tag::sequence, {data, digest});
}

// The signature covers what is inside the SEQUENCE, without its tag and length.
Bytes attributes_for(const Bytes& content) {
    return pkcs7::attributes(indirect_data_type, sha256(der::first(content)->contents));
}

Bytes inner_content_info(const Bytes& content) {
    return element(Tag::sequence, {der::object_identifier(indirect_data_type), element(Tag::context_0_constructed, content)});
}

} // namespace

AuthenticodeRequest request_authenticode(ByteView image, std::string_view name) {
    const Digest digest = authenticode_digest(image, parse_pe(image, name));
    Bytes message = attributes_for(indirect_data(digest));
    const Digest signed_digest = sha256(message);
    return {digest, std::move(message), signed_digest};
}

std::optional<Digest> content_of_authenticode_message(ByteView message) {
    // Elements of a SET OF are sorted, so the digest's place depends on the type alone: it stands last.
    if (message.size() < Digest::size) return std::nullopt;
    Digest::Bytes bytes{};
    std::ranges::copy(message.last(Digest::size), bytes.begin());
    const Digest content(bytes);
    if (!std::ranges::equal(message, pkcs7::attributes(indirect_data_type, content))) return std::nullopt;
    return content;
}

Digest authenticode_content(const Digest& image) { return sha256(der::first(indirect_data(image))->contents); }

Bytes attach_authenticode(Bytes image, const Certificate& signer, ByteView signature, std::string_view name) {
    const AuthenticodeRequest request = request_authenticode(image, name);
    pkcs7::check_answer(signer, request.digest, signature, name);
    const Bytes content = indirect_data(request.image);
    const Bytes signed_data = pkcs7::signed_data(inner_content_info(content), signer, attributes_for(content), signature);
    return append_certificate(std::move(image), pkcs7::content_info(signed_data), name);
}

Bytes sign_authenticode(Bytes image, const Identity& identity, std::string_view name) {
    const Bytes signature = identity.signer->sign(request_authenticode(image, name).digest);
    return attach_authenticode(std::move(image), identity.certificate, signature, name);
}

// ---- Reading -----------------------------------------------------------------------------------

namespace {

using openssl::Pkcs7;

// Trailing zeros belong to the table's alignment.
Pkcs7 decode(ByteView blob, std::string_view name) {
    const auto refuse = [&](std::string_view cause) {
        ERR_clear_error();
        return Error(fmt::format("cannot read the signature of '{}': {}", name, cause));
    };
    const auto outer = der::first(blob);
    if (!outer || !std::ranges::all_of(blob.subspan(outer->whole.size()), [](std::byte b) { return b == std::byte{0}; }))
        throw refuse("it is not one DER structure");
    const auto* at = reinterpret_cast<const unsigned char*>(blob.data());
    Pkcs7 parsed(d2i_PKCS7(nullptr, &at, static_cast<long>(outer->whole.size())));
    if (!parsed || PKCS7_type_is_signed(parsed.get()) == 0 || parsed->d.sign == nullptr ||
        parsed->d.sign->contents == nullptr)
        throw refuse("it is not PKCS #7 SignedData");
    if (sk_PKCS7_SIGNER_INFO_num(PKCS7_get_signer_info(parsed.get())) != 1) throw refuse("it has not exactly one signer");
    return parsed;
}

std::vector<Certificate> certificates_of(const Pkcs7& parsed, std::string_view name) {
    std::vector<Certificate> found;
    const STACK_OF(X509)* const stack = parsed->d.sign->cert;
    for (int i = 0; stack != nullptr && i < sk_X509_num(stack); ++i)
        found.push_back(Certificate::from_der(
            openssl::der_of(i2d_X509, static_cast<const X509*>(sk_X509_value(stack, i))), name));
    return found;
}

PKCS7_SIGNER_INFO* signer_of(const Pkcs7& parsed) {
    return sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(parsed.get()), 0);
}

Bytes issuer_and_serial_of(PKCS7_SIGNER_INFO* signer) {
    return openssl::der_of(i2d_PKCS7_ISSUER_AND_SERIAL,
                           static_cast<const PKCS7_ISSUER_AND_SERIAL*>(signer->issuer_and_serial));
}

// The SpcIndirectDataContent, with its tag.
Bytes content_of(const Pkcs7& parsed, std::string_view name) {
    const PKCS7* const inner = parsed->d.sign->contents;
    const Bytes type = openssl::der_of(i2d_ASN1_OBJECT, static_cast<const ASN1_OBJECT*>(inner->type));
    if (type != der::object_identifier(indirect_data_type) || inner->d.other == nullptr ||
        inner->d.other->type != V_ASN1_SEQUENCE)
        throw Error(fmt::format("cannot read the signature of '{}': it is not over a PE image", name));
    const ASN1_STRING* const sequence = inner->d.other->value.sequence;
    const auto bytes = std::as_bytes(std::span(sequence->data, static_cast<std::size_t>(sequence->length)));
    return {bytes.begin(), bytes.end()};
}

// messageDigest of SpcIndirectDataContent: SEQUENCE { data, DigestInfo { algorithm, OCTET STRING } }.
// Nothing unless it is SHA-256.
std::optional<Digest> claimed_digest(const Bytes& content) {
    const auto outer = der::first(content);
    const auto data = outer ? der::first(outer->contents) : std::nullopt;
    const auto info = data ? der::first(outer->contents.subspan(data->whole.size())) : std::nullopt;
    const auto algorithm = info ? der::first(info->contents) : std::nullopt;
    const auto type = algorithm ? der::first(algorithm->contents) : std::nullopt;
    if (!type || !std::ranges::equal(type->whole, der::object_identifier(sha256_type))) return std::nullopt;
    const auto value = der::first(info->contents.subspan(algorithm->whole.size()));
    if (!value || value->tag != static_cast<unsigned char>(Tag::octet_string) || value->contents.size() != Digest::size)
        return std::nullopt;
    Digest::Bytes bytes{};
    std::ranges::copy(value->contents, bytes.begin());
    return Digest(bytes);
}

bool uses_sha256(PKCS7_SIGNER_INFO* signer) {
    return OBJ_obj2nid(signer->digest_alg->algorithm) == NID_sha256;
}

// What the signer's key signed: the attributes as a SET, in the order in which they came.
std::optional<Digest> signed_digest(PKCS7_SIGNER_INFO* signer, const Bytes& content) {
    const ASN1_TYPE* const digest = PKCS7_get_signed_attribute(signer, NID_pkcs9_messageDigest);
    const ASN1_TYPE* const type = PKCS7_get_signed_attribute(signer, NID_pkcs9_contentType);
    if (digest == nullptr || digest->type != V_ASN1_OCTET_STRING || type == nullptr || type->type != V_ASN1_OBJECT)
        return std::nullopt;
    const ASN1_STRING* const octets = digest->value.octet_string;
    const Digest expected = sha256(der::first(content)->contents);
    if (!std::ranges::equal(std::as_bytes(std::span(octets->data, static_cast<std::size_t>(octets->length))),
                            expected.bytes()))
        return std::nullopt;
    if (openssl::der_of(i2d_ASN1_OBJECT, static_cast<const ASN1_OBJECT*>(type->value.object)) !=
        der::object_identifier(indirect_data_type))
        return std::nullopt;
    unsigned char* out = nullptr;
    const int size = ASN1_item_i2d(reinterpret_cast<const ASN1_VALUE*>(PKCS7_get_signed_attributes(signer)), &out,
                                   ASN1_ITEM_rptr(PKCS7_ATTR_VERIFY));
    if (size <= 0) return std::nullopt;
    const Digest result = sha256(std::as_bytes(std::span(out, static_cast<std::size_t>(size))));
    OPENSSL_free(out);
    return result;
}

ByteView signature_in(PKCS7_SIGNER_INFO* signer) {
    const ASN1_STRING* const octets = signer->enc_digest;
    return std::as_bytes(std::span(octets->data, static_cast<std::size_t>(octets->length)));
}

bool signature_is_right(PKCS7_SIGNER_INFO* signer, const Certificate& certificate, const Bytes& content) {
    if (!uses_sha256(signer)) return false;
    const auto digest = signed_digest(signer, content);
    return digest && certificate.public_key().verifies(*digest, signature_in(signer));
}

AuthenticodeSignature read_one(ByteView blob, const Digest& image, std::string_view name) {
    const Pkcs7 parsed = decode(blob, name);
    std::vector<Certificate> certificates = certificates_of(parsed, name);
    PKCS7_SIGNER_INFO* const signer = signer_of(parsed);
    const auto found = std::ranges::find(certificates, issuer_and_serial_of(signer), &Certificate::issuer_and_serial);
    if (found == certificates.end())
        throw Error(fmt::format("cannot read the signature of '{}': its signer's certificate is not in it", name));
    const Certificate certificate = *found;
    certificates.erase(found);
    const Bytes content = content_of(parsed, name);
    const auto claimed = claimed_digest(content);
    if (!claimed) throw Error(fmt::format("cannot read the signature of '{}': its digest is not SHA-256", name));
    const ByteView signature = signature_in(signer);
    return {certificate, std::move(certificates), *claimed, *claimed == image && signature_is_right(signer, certificate, content), {signature.begin(), signature.end()}};
}

using Store = openssl::Handle<X509_STORE, X509_STORE_free>;
using StoreContext = openssl::Handle<X509_STORE_CTX, X509_STORE_CTX_free>;
struct FreeStack {
    void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_pop_free(stack, X509_free); }
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

openssl::X509Handle handle_of(const Certificate& certificate) {
    const auto* at = reinterpret_cast<const unsigned char*>(certificate.der().data());
    return openssl::X509Handle(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
}

// As firmware does: any certificate of the chain may be the trusted one, and time plays no part.
bool chains_to(const AuthenticodeSignature& signature, const std::vector<Certificate>& trusted) {
    const Store store(X509_STORE_new());
    for (const Certificate& one : trusted) X509_STORE_add_cert(store.get(), handle_of(one).get());
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
    const Stack others(sk_X509_new_null());
    for (const Certificate& one : signature.others) sk_X509_push(others.get(), handle_of(one).release());
    const openssl::X509Handle leaf = handle_of(signature.signer);
    const StoreContext context(X509_STORE_CTX_new());
    const bool right = X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), others.get()) == 1 &&
                       X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_ANY) == 1 &&
                       X509_verify_cert(context.get()) == 1;
    ERR_clear_error();
    return right;
}

} // namespace

std::vector<AuthenticodeSignature> read_authenticode(ByteView image, std::string_view name) {
    const PeLayout layout = parse_pe(image, name);
    const std::vector<ByteView> blobs = certificate_table(image, layout, name);
    if (blobs.empty()) return {};
    const Digest digest = authenticode_digest(image, layout);
    std::vector<AuthenticodeSignature> found;
    for (const ByteView blob : blobs) found.push_back(read_one(blob, digest, name));
    return found;
}

std::variant<Trusted, Untrusted> verify_authenticode(ByteView image, const std::vector<Certificate>& trusted,
                                                     std::string_view name) {
    const std::vector<AuthenticodeSignature> signatures = read_authenticode(image, name);
    if (signatures.empty()) return Untrusted{"it is not signed"};
    Untrusted answer;
    for (const AuthenticodeSignature& signature : signatures) {
        if (!signature.intact)
            answer.cause = fmt::format("the signature of '{}' is not over this image", signature.signer.subject());
        else if (!chains_to(signature, trusted))
            answer.cause = fmt::format("its signer '{}' is not trusted", signature.signer.subject());
        else
            return Trusted{signature.signer};
    }
    return answer;
}

} // namespace ashlar

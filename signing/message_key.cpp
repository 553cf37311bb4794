#include <signing/message_key.hpp>

#include "der.hpp"
#include "openssl.hpp"
#include "private_key.hpp"
#include "public_key.hpp"
#include "signing_key.hpp"

#include <base/error.hpp>
#include <signing/raw_key.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace ashlar {

namespace fs = std::filesystem;
using namespace openssl;

namespace {

const unsigned char* raw(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* raw(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

struct SchemeFacts {
    SignatureScheme scheme;
    std::string_view name;
    std::string_view key; // for messages
    const EVP_MD* (*digest)();
};
const EVP_MD* no_digest() { return nullptr; }
constexpr std::array schemes{
    SchemeFacts{SignatureScheme::ed25519, "ed25519", "an Ed25519 key", no_digest},
    SchemeFacts{SignatureScheme::ecdsa_p256, "ecdsa-sha2-nistp256", "an elliptic-curve key on P-256", EVP_sha256},
    SchemeFacts{SignatureScheme::ecdsa_p384, "ecdsa-sha2-nistp384", "an elliptic-curve key on P-384", EVP_sha384},
    SchemeFacts{SignatureScheme::rsa_pss, "rsassa-pss-sha256", "an RSA key of 2048 bits or more", EVP_sha256},
};

const SchemeFacts& facts(SignatureScheme scheme) { return *std::ranges::find(schemes, scheme, &SchemeFacts::scheme); }

std::string group_of(const EVP_PKEY* key) {
    std::array<char, 64> name{};
    std::size_t size = 0;
    return EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 ? std::string(name.data(), size) : std::string();
}

// What a key can be used for here; nothing for other curves, short RSA keys and other algorithms.
std::optional<SignatureScheme> scheme_of(const EVP_PKEY* key) {
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519: return SignatureScheme::ed25519;
    case EVP_PKEY_RSA: return EVP_PKEY_get_bits(key) >= 2048 ? std::optional(SignatureScheme::rsa_pss) : std::nullopt;
    case EVP_PKEY_EC: break;
    default: return std::nullopt;
    }
    const std::string group = group_of(key);
    if (group == "prime256v1") return SignatureScheme::ecdsa_p256;
    if (group == "secp384r1") return SignatureScheme::ecdsa_p384;
    return std::nullopt;
}

// ---- One form for one key ----------------------------------------------------------------------

void append_coordinate(Bytes& to, const EVP_PKEY* key, const char* which, std::size_t size) {
    BIGNUM* number = nullptr;
    const bool found = EVP_PKEY_get_bn_param(key, which, &number) == 1;
    const Handle<BIGNUM, BN_free> owner(number);
    Bytes bytes(size);
    if (!found || BN_bn2binpad(number, raw(bytes), static_cast<int>(size)) < 0) fail("encode", "public key");
    append(to, bytes);
}

Bytes point_of(const EVP_PKEY* key, SignatureScheme scheme) {
    if (scheme == SignatureScheme::ed25519) {
        Bytes point(32);
        std::size_t size = point.size();
        if (EVP_PKEY_get_raw_public_key(key, raw(point), &size) != 1) fail("encode", "public key");
        return point;
    }
    const std::size_t size = scheme == SignatureScheme::ecdsa_p256 ? 32 : 48;
    Bytes point{std::byte{0x04}};
    append_coordinate(point, key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    append_coordinate(point, key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    return point;
}

// The same key may come with its point compressed, or its curve spelt out; thresholds count keys, not spellings.
Bytes info_of(const EVP_PKEY* key, SignatureScheme scheme) {
    if (scheme == SignatureScheme::rsa_pss) return der_of(i2d_PUBKEY, key);
    return public_key_info(scheme, point_of(key, scheme));
}

Key decode(ByteView der) {
    const unsigned char* at = raw(der);
    Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    if (at != raw(der) + der.size()) key.reset();
    return key;
}

using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
enum class Direction { sign, verify };

DigestContext prepared(EVP_PKEY* key, SignatureScheme scheme, Direction direction) {
    DigestContext context(EVP_MD_CTX_new());
    const auto start = direction == Direction::sign ? EVP_DigestSignInit : EVP_DigestVerifyInit;
    EVP_PKEY_CTX* parameters = nullptr; // belongs to the context
    bool right = context && start(context.get(), &parameters, facts(scheme).digest(), nullptr, key) == 1;
    if (right && scheme == SignatureScheme::rsa_pss)
        right = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, direction == Direction::sign ? RSA_PSS_SALTLEN_DIGEST : RSA_PSS_SALTLEN_AUTO) == 1;
    if (!right) fail("use", facts(scheme).key);
    return context;
}

} // namespace

std::string_view name_of(SignatureScheme scheme) { return facts(scheme).name; }

std::optional<SignatureScheme> scheme_named(std::string_view name) {
    const auto found = std::ranges::find(schemes, name, &SchemeFacts::name);
    return found == schemes.end() ? std::nullopt : std::optional(found->scheme);
}

Bytes public_key_info(SignatureScheme scheme, ByteView point) {
    constexpr std::string_view ed25519 = "1.3.101.112", elliptic_curve = "1.2.840.10045.2.1", p256 = "1.2.840.10045.3.1.7", p384 = "1.3.132.0.34";
    const Bytes algorithm = scheme == SignatureScheme::ed25519
                                ? der::element(der::Tag::sequence, {der::object_identifier(ed25519)})
                                : der::element(der::Tag::sequence, {der::object_identifier(elliptic_curve),
                                                                    der::object_identifier(scheme == SignatureScheme::ecdsa_p256 ? p256 : p384)});
    Bytes bits{std::byte{0}}; // none of the last byte is unused
    append(bits, point);
    return der::element(der::Tag::sequence, {algorithm, der::element(der::Tag::bit_string, bits)});
}

Bytes digest_for(SignatureScheme scheme, ByteView message) {
    const EVP_MD* const kind = facts(scheme).digest();
    if (kind == nullptr) return {message.begin(), message.end()};
    Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(kind)));
    if (EVP_Digest(message.data(), message.size(), raw(digest), nullptr, kind, nullptr) != 1) fail("hash", "message");
    return digest;
}

// ---- VerifyingKey ------------------------------------------------------------------------------

VerifyingKey VerifyingKey::from_der(ByteView der, SignatureScheme scheme, std::string_view name) {
    const Key key = decode(der);
    if (!key) {
        ERR_clear_error();
        throw Error(fmt::format("cannot read the public key '{}': it is not one SubjectPublicKeyInfo", name));
    }
    if (scheme_of(key.get()) != scheme) throw Error(fmt::format("cannot read the public key '{}': it is not {}", name, facts(scheme).key));
    return {info_of(key.get(), scheme), scheme};
}

VerifyingKey VerifyingKey::from_pem(std::string_view pem, SignatureScheme scheme, std::string_view name) {
    const Key key(PEM_read_bio_PUBKEY(reader(bytes_of(pem)).get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (!key) throw Error(fmt::format("cannot read the public key '{}': there is none in PEM form in it", name));
    return from_der(der_of(i2d_PUBKEY, static_cast<const EVP_PKEY*>(key.get())), scheme, name);
}

VerifyingKey VerifyingKey::from_ed25519(ByteView point, std::string_view name) {
    if (point.size() != 32) throw Error(fmt::format("cannot read the public key '{}': it has {} bytes, not 32", name, point.size()));
    return key_from_point(SignatureScheme::ed25519, point, name);
}

std::string VerifyingKey::pem() const {
    const Bio out = writer();
    if (PEM_write_bio_PUBKEY(out.get(), decode(der_).get()) != 1) fail("write", "public key");
    return std::string(text_of(contents(out.get())));
}

Bytes VerifyingKey::ed25519() const {
    if (scheme_ != SignatureScheme::ed25519) throw Error(fmt::format("cannot use a public key as an Ed25519 key: it is {}", facts(scheme_).key));
    return {der_.end() - 32, der_.end()};
}

bool VerifyingKey::verifies(ByteView message, ByteView signature) const {
    const Key key = decode(der_);
    const DigestContext context = prepared(key.get(), scheme_, Direction::verify);
    const int answer = EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size());
    ERR_clear_error();
    return answer == 1;
}

// ---- SigningKey --------------------------------------------------------------------------------

SigningKey::SigningKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

namespace {

EVP_PKEY* make_key(SignatureScheme scheme) {
    switch (scheme) {
    case SignatureScheme::ed25519: return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case SignatureScheme::ecdsa_p256: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    case SignatureScheme::ecdsa_p384: return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
    case SignatureScheme::rsa_pss: return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{3072});
    }
    std::abort();
}

} // namespace

SigningKey SigningKey::generate(SignatureScheme scheme) {
    prepare_for_secrets();
    Key key(make_key(scheme));
    if (!key) fail("make", facts(scheme).key);
    return SigningKey(std::make_unique<State>(State{std::move(key), scheme}));
}

SigningKey SigningKey::from_secret(const Secret& pem, std::string_view name) {
    Key key = private_key_in(pem);
    if (!key) throw Error(fmt::format("cannot read the private key '{}': there is none in PEM form in it", name));
    const auto scheme = scheme_of(key.get());
    if (!scheme) throw Error(fmt::format("cannot read the private key '{}': it is of a kind that signs no messages here", name));
    return SigningKey(std::make_unique<State>(State{std::move(key), *scheme}));
}

Secret SigningKey::secret() const { return text_of_private_key(state_->key); }

SigningKey SigningKey::load(const fs::path& path, std::optional<std::string_view> passphrase) {
    Key key = load_private_key(path, passphrase, "name a PEM file with one key");
    const auto scheme = scheme_of(key.get());
    if (!scheme)
        throw load_error(path, "it is neither Ed25519, nor on P-256 or P-384, nor RSA with 2048 bits or more", "make a key of one of these kinds");
    return SigningKey(std::make_unique<State>(State{std::move(key), *scheme}));
}

void SigningKey::save_new(const fs::path& path, std::optional<std::string_view> passphrase) const {
    save_private_key(path, state_->key, passphrase);
}

VerifyingKey SigningKey::verifying_key() const {
    return VerifyingKey::from_der(info_of(state_->key.get(), state_->scheme), state_->scheme, "own key");
}

Bytes SigningKey::sign(ByteView message) const {
    const DigestContext context = prepared(state_->key.get(), state_->scheme, Direction::sign);
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get()));
    Bytes signature(size);
    if (EVP_DigestSign(context.get(), raw(signature), &size, raw(message), message.size()) != 1) fail("sign with", facts(state_->scheme).key);
    signature.resize(size);
    return signature;
}

} // namespace ashlar

#include <signing/hpke.hpp>

#include "hpke_suite.hpp"
#include "signing_key.hpp"

#include <base/error.hpp>
#include <signing/raw_key.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

namespace ashlar {

using namespace openssl;

namespace hpke {
namespace {

constexpr std::uint16_t kem_p256 = 0x0010, kdf_sha256 = 0x0001;
constexpr std::ptrdiff_t point_size = 65, tag_size = 16;
constexpr std::size_t nonce_size = 12;

const unsigned char* raw(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* raw(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// 32 bytes or fewer that are wiped when they go.
class Block {
public:
    explicit Block(std::size_t size = Digest::size) : size_(size) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

    [[nodiscard]] unsigned char* data() noexcept { return bytes_.data(); }
    [[nodiscard]] const unsigned char* data() const noexcept { return bytes_.data(); }
    [[nodiscard]] ByteView view() const noexcept { return std::as_bytes(std::span(bytes_.data(), size_)); }

private:
    std::array<unsigned char, Digest::size> bytes_{};
    std::size_t size_;
};

using Mac = Handle<EVP_MAC, EVP_MAC_free>;
using MacContext = Handle<EVP_MAC_CTX, EVP_MAC_CTX_free>;

// Of several pieces one after another, so that no copy of a secret lies in an ordinary buffer.
void hmac(Block& out, ByteView key, std::initializer_list<ByteView> pieces) {
    static constexpr unsigned char no_key = 0; // a null pointer would mean the key of before
    const Mac mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    const MacContext context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
    std::array<char, 7> digest{"SHA256"};
    const std::array parameters{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
    bool right = context && EVP_MAC_init(context.get(), key.empty() ? &no_key : raw(key), key.size(), parameters.data()) == 1;
    for (const ByteView piece : pieces) right = right && EVP_MAC_update(context.get(), raw(piece), piece.size()) == 1;
    Block whole;
    std::size_t size = 0;
    if (!right || EVP_MAC_final(context.get(), whole.data(), &size, Digest::size) != 1) fail("derive", "key");
    std::ranges::copy(whole.view().first(out.view().size()), std::as_writable_bytes(std::span(out.data(), out.view().size())).begin());
}

void append_big_endian(Bytes& to, std::uint16_t number) {
    to.push_back(static_cast<std::byte>(number >> 8));
    to.push_back(static_cast<std::byte>(number & 0xff));
}

Bytes kem_id() {
    Bytes id;
    append(id, "KEM");
    append_big_endian(id, kem_p256);
    return id;
}
Bytes suite_id(const Suite& suite) {
    Bytes id;
    append(id, "HPKE");
    for (const auto number : {kem_p256, kdf_sha256, suite.aead}) append_big_endian(id, number);
    return id;
}

// RFC 9180, 4: HKDF (RFC 5869) whose labels say for what. Nothing here is longer than one block of SHA-256.
void labeled_extract(Block& out, ByteView suite, ByteView salt, std::string_view label, ByteView key) {
    hmac(out, salt, {bytes_of("HPKE-v1"), suite, bytes_of(label), key});
}
void labeled_expand(Block& out, ByteView suite, ByteView key, std::string_view label, ByteView info) {
    Bytes size;
    append_big_endian(size, static_cast<std::uint16_t>(out.view().size()));
    hmac(out, key, {size, bytes_of("HPKE-v1"), suite, bytes_of(label), info, bytes_of("\x01")});
}

Bytes point_of(const VerifyingKey& key) { return {key.der().end() - point_size, key.der().end()}; }

// ECDH (SEC 1, 3.3.1): the x coordinate.
void agree(Block& out, const SigningKey& own, const VerifyingKey& other) {
    const unsigned char* at = raw(other.der());
    const Key peer(d2i_PUBKEY(nullptr, &at, static_cast<long>(other.der().size())));
    const KeyContext context(EVP_PKEY_CTX_new(SigningKeyHandle::of(own), nullptr));
    std::size_t size = Digest::size;
    if (!context || EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
        EVP_PKEY_derive(context.get(), out.data(), &size) != 1 || size != Digest::size)
        fail("agree on", "a key on P-256");
}

// RFC 9180, 4.1: ExtractAndExpand of what both halves agree on.
void shared_secret(Block& out, const SigningKey& own, const VerifyingKey& other, ByteView encapsulated, ByteView receiver) {
    Block agreed, extracted;
    agree(agreed, own, other);
    Bytes context(encapsulated.begin(), encapsulated.end());
    append(context, receiver);
    labeled_extract(extracted, kem_id(), {}, "eae_prk", agreed.view());
    labeled_expand(out, kem_id(), extracted.view(), "shared_secret", context);
}

// RFC 9180, 5.1: KeySchedule in base mode.
struct Schedule {
    Block key, nonce;

    Schedule(const Suite& suite, const Block& shared, std::string_view info) : key(suite.key_size), nonce(nonce_size) {
        const Bytes id = suite_id(suite);
        Block no_psk, info_hash, secret;
        labeled_extract(no_psk, id, {}, "psk_id_hash", {});
        labeled_extract(info_hash, id, {}, "info_hash", bytes_of(info));
        labeled_extract(secret, id, shared.view(), "secret", {});
        Bytes context{std::byte{0}}; // mode_base
        append(context, no_psk.view());
        append(context, info_hash.view());
        labeled_expand(key, id, secret.view(), "key", context);
        labeled_expand(nonce, id, secret.view(), "base_nonce", context);
    }
};

using CipherContext = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

Bytes encrypt(const Suite& suite, const Schedule& schedule, ByteView aad, ByteView plain) {
    const CipherContext context(EVP_CIPHER_CTX_new());
    Bytes out(plain.size() + tag_size);
    int size = 0;
    if (!context || EVP_EncryptInit_ex(context.get(), suite.cipher(), nullptr, schedule.key.data(), schedule.nonce.data()) != 1 ||
        EVP_EncryptUpdate(context.get(), nullptr, &size, raw(aad), static_cast<int>(aad.size())) != 1 ||
        EVP_EncryptUpdate(context.get(), raw(out), &size, raw(plain), static_cast<int>(plain.size())) != 1 ||
        EVP_EncryptFinal_ex(context.get(), raw(out) + size, &size) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, raw(out) + plain.size()) != 1)
        fail("seal", "secret");
    return out;
}

// Nothing of it is seen before all of it is known to be whole.
std::optional<Secret> decrypt(const Suite& suite, const Schedule& schedule, ByteView aad, ByteView sealed) {
    const ByteView text = sealed.first(sealed.size() - tag_size);
    Bytes tag(sealed.end() - tag_size, sealed.end()), out(text.size() + 1);
    const CipherContext context(EVP_CIPHER_CTX_new());
    int size = 0;
    const bool whole = context && EVP_DecryptInit_ex(context.get(), suite.cipher(), nullptr, schedule.key.data(), schedule.nonce.data()) == 1 &&
                       EVP_DecryptUpdate(context.get(), nullptr, &size, raw(aad), static_cast<int>(aad.size())) == 1 &&
                       EVP_DecryptUpdate(context.get(), raw(out), &size, raw(text), static_cast<int>(text.size())) == 1 &&
                       EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, raw(tag)) == 1 &&
                       EVP_DecryptFinal_ex(context.get(), raw(out) + size, &size) == 1;
    std::optional<Secret> plain;
    if (whole) plain.emplace(text_of(ByteView(out).first(text.size())));
    OPENSSL_cleanse(out.data(), out.size());
    ERR_clear_error();
    return plain;
}

// Nothing when the 65 bytes are no point of the curve.
std::optional<VerifyingKey> key_at(ByteView point) try {
    return key_from_point(SignatureScheme::ecdsa_p256, point, "ephemeral key");
} catch (const Error&) {
    return std::nullopt;
}

void refuse_other_keys(const VerifyingKey& key) {
    if (key.scheme() != SignatureScheme::ecdsa_p256) throw Error("cannot seal to 'public key': it is not on P-256");
}

} // namespace

Bytes seal(const Suite& suite, const SigningKey& ephemeral, const VerifyingKey& to, std::string_view info, ByteView aad, ByteView plain) {
    refuse_other_keys(to);
    Bytes sealed = point_of(ephemeral.verifying_key());
    Block shared;
    shared_secret(shared, ephemeral, to, sealed, point_of(to));
    append(sealed, encrypt(suite, Schedule(suite, shared, info), aad, plain));
    return sealed;
}

std::optional<Secret> open(const Suite& suite, const SigningKey& key, std::string_view info, ByteView aad, ByteView sealed) {
    const VerifyingKey own = key.verifying_key();
    refuse_other_keys(own);
    if (sealed.size() < point_size + tag_size || sealed.size() > point_size + tag_size + Secret::most || sealed.front() != std::byte{0x04}) return std::nullopt;
    const ByteView encapsulated = sealed.first(point_size);
    const auto sender = key_at(encapsulated);
    if (!sender) return std::nullopt;
    Block shared;
    shared_secret(shared, key, *sender, encapsulated, point_of(own));
    return decrypt(suite, Schedule(suite, shared, info), aad, sealed.subspan(point_size));
}

} // namespace hpke

Bytes seal_to_node(const VerifyingKey& to, std::string_view purpose, const Secret& plain) {
    return hpke::seal(hpke::aes_256_gcm, SigningKey::generate(SignatureScheme::ecdsa_p256), to, purpose, {}, bytes_of(plain.text()));
}

std::optional<Secret> unseal(const SigningKey& key, std::string_view purpose, ByteView sealed) {
    return hpke::open(hpke::aes_256_gcm, key, purpose, {}, sealed);
}

} // namespace ashlar

#include "proof.hpp"

#include "signing_key.hpp"

#include <base/error.hpp>

#include <fmt/format.h>

#include <openssl/err.h>

namespace ashlar::channel {

using namespace openssl;

namespace {

using Session = Handle<SSL_SESSION, SSL_SESSION_free>;

constexpr std::size_t least_key = 32, most_key = 48, most_identity = 512;

template <typename Kind> Kind& proof_of(const SSL* tls) { return static_cast<Kind&>(Proof::of(tls)); }

void check(std::string_view identity, const Secret& key) {
    if (identity.empty() || identity.size() > most_identity || identity.find('\0') != identity.npos || key.text().size() < least_key || key.text().size() > most_key)
        throw Error("cannot use a shared key: identity or key has a length that it may not have");
}

// RFC 8446, 4.2.11: a PSK belongs to one hash; that of this suite is SHA-256, as it is for those given by no session.
Session session_with(SSL* tls, std::string_view key) {
    constexpr unsigned char tls_aes_128_gcm_sha256[] = {0x13, 0x01};
    Session session(SSL_SESSION_new());
    const SSL_CIPHER* const cipher = SSL_CIPHER_find(tls, tls_aes_128_gcm_sha256);
    if (!session || cipher == nullptr || SSL_SESSION_set1_master_key(session.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size()) != 1 ||
        SSL_SESSION_set_cipher(session.get(), cipher) != 1 || SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION) != 1)
        return nullptr;
    return session;
}

int refuse_every_certificate(X509_STORE_CTX* context, void*) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

} // namespace

// ---- KeyProof ----------------------------------------------------------------------------------

void KeyProof::prepare(SSL_CTX* context, Side side) const {
    if (own_ != nullptr) check(own_->identity, own_->key);
    if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1) fail("prepare", "TLS");
    SSL_CTX_set_cert_verify_callback(context, refuse_every_certificate, nullptr);
    if (side == Side::client) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        SSL_CTX_set_psk_use_session_callback(context, offer);
    } else SSL_CTX_set_psk_find_session_callback(context, find);
}

// Callbacks of C: nothing may be thrown through them.
int KeyProof::offer(SSL* tls, const EVP_MD* digest, const unsigned char** identity, std::size_t* size, SSL_SESSION** session) {
    const SharedKey& own = *proof_of<KeyProof>(tls).own_;
    if (digest != nullptr && !EVP_MD_is_a(digest, "SHA256")) return 0;
    *session = session_with(tls, own.key.text()).release();
    *identity = reinterpret_cast<const unsigned char*>(own.identity.data());
    *size = own.identity.size();
    return *session != nullptr ? 1 : 0;
}

int KeyProof::find(SSL* tls, const unsigned char* identity, std::size_t size, SSL_SESSION** session) try {
    auto& self = proof_of<KeyProof>(tls);
    *session = nullptr; // not an error: then there is no key in common
    const std::string_view name(reinterpret_cast<const char*>(identity), size);
    if (name.empty() || name.size() > most_identity) return 1;
    const auto key = (*self.known_)(name);
    if (!key) return 1;
    check(name, *key);
    *session = session_with(tls, key->text()).release();
    self.found_ = name;
    return *session != nullptr ? 1 : 0;
} catch (...) {
    return 0;
}

std::variant<Peer, Refusal> KeyProof::peer(SSL* tls) const {
    // OpenSSL calls it a session that goes on.
    if (SSL_session_reused(tls) != 1) return Refusal{Cause::not_trusted, "it does not hold the key"};
    return Peer(KeyHolder{own_ != nullptr ? own_->identity : found_});
}

std::optional<Refusal> KeyProof::refusal(int reason) const {
    switch (reason) {
    case SSL_R_BINDER_DOES_NOT_VERIFY:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return Refusal{Cause::not_trusted, "it does not hold the key"};
    default: return std::nullopt;
    }
}

// ---- CertificateProof --------------------------------------------------------------------------

void CertificateProof::prepare(SSL_CTX* context, Side) const {
    const Bytes& der = own_.certificate.der();
    if (SSL_CTX_use_certificate_ASN1(context, static_cast<int>(der.size()), reinterpret_cast<const unsigned char*>(der.data())) != 1 ||
        SSL_CTX_use_PrivateKey(context, SigningKeyHandle::of(own_.key)) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
        SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256") != 1)
        fail("use", "certificate");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, judge, nullptr);
}

int CertificateProof::judge(X509_STORE_CTX* context, void*) try {
    auto* const tls = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& self = proof_of<CertificateProof>(tls);
    const X509* const leaf = X509_STORE_CTX_get0_cert(context);
    if (leaf == nullptr) return 0;
    self.judgement_ = certificates::verify(der_of(i2d_X509, leaf), self.own_.trust, self.now_);
    const bool good = std::holds_alternative<certificates::Bearer>(*self.judgement_);
    X509_STORE_CTX_set_error(context, good ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return good ? 1 : 0;
} catch (...) {
    return 0;
}

std::variant<Peer, Refusal> CertificateProof::peer(SSL* tls) const {
    const auto* const bearer = judgement_ ? std::get_if<certificates::Bearer>(&*judgement_) : nullptr;
    if (bearer == nullptr) return Refusal{Cause::not_trusted, "it showed no certificate"};
    const auto* const node = std::get_if<certificates::NodeBearer>(bearer);
    if (SSL_is_server(tls) == 0 && node == nullptr) return Refusal{Cause::another, fmt::format("it is {}, not a node", certificates::text_of(*bearer))};
    if (expected_ && (node == nullptr || node->node != *expected_))
        return Refusal{Cause::another, fmt::format("it is {}, not the node {}", certificates::text_of(*bearer), expected_->text())};
    return Peer(*bearer);
}

std::optional<Refusal> CertificateProof::refusal(int reason) const {
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) return Refusal{Cause::not_trusted, "it showed no certificate"};
    const auto* const refused = judgement_ ? std::get_if<certificates::Refusal>(&*judgement_) : nullptr;
    if (refused != nullptr) return Refusal{Cause::not_trusted, fmt::format("its certificate does not count: {}", refused->text)};
    return std::nullopt;
}

} // namespace ashlar::channel

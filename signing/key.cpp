#include <signing/key.hpp>

#include "der.hpp"
#include "openssl.hpp"
#include "private_key.hpp"

#include <base/error.hpp>
#include <base/file.hpp>

#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

namespace ashlar {

namespace fs = std::filesystem;
using namespace openssl;

namespace {

const unsigned char* raw(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

Key decode_public(ByteView der) {
    const unsigned char* at = raw(der);
    return Key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
}

// PKCS #1 v1.5 padding and SHA-256, for signing or verifying a digest.
KeyContext prepared(EVP_PKEY* key, int (*start)(EVP_PKEY_CTX*)) {
    KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
    if (!context || start(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) != 1)
        fail("use", "RSA key");
    return context;
}

} // namespace

// ---- PublicKey ---------------------------------------------------------------------------------

PublicKey PublicKey::from_der(ByteView der, std::string_view name) {
    const Key key = decode_public(der);
    if (!key) fail("read the public key", name);
    if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA)
        throw Error(fmt::format("cannot read the public key '{}': it is not an RSA key", name));
    return {der_of(i2d_PUBKEY, static_cast<const EVP_PKEY*>(key.get())), static_cast<unsigned>(EVP_PKEY_get_bits(key.get()))};
}

PublicKey PublicKey::from_pem(std::string_view pem, std::string_view name) {
    const Key key(PEM_read_bio_PUBKEY(reader(bytes_of(pem)).get(), nullptr, nullptr, nullptr));
    if (!key) fail("read the public key", name);
    return from_der(der_of(i2d_PUBKEY, static_cast<const EVP_PKEY*>(key.get())), name);
}

std::string PublicKey::pem() const {
    const Bio out = writer();
    if (PEM_write_bio_PUBKEY(out.get(), decode_public(der_).get()) != 1) fail("write", "public key");
    return std::string(text_of(contents(out.get())));
}

bool PublicKey::verifies(const Digest& digest, ByteView signature) const {
    const Key key = decode_public(der_);
    const KeyContext context = prepared(key.get(), EVP_PKEY_verify_init);
    const int answer =
        EVP_PKEY_verify(context.get(), raw(signature), signature.size(), raw(digest.bytes()), Digest::size);
    ERR_clear_error();
    return answer == 1;
}

// ---- PrivateKey --------------------------------------------------------------------------------

struct PrivateKey::State {
    Key key;
};

PrivateKey::PrivateKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

PrivateKey PrivateKey::generate(RsaBits bits) {
    prepare_for_secrets();
    Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
    if (!key) fail("make", "RSA key");
    return PrivateKey(std::make_unique<State>(State{std::move(key)}));
}

PrivateKey PrivateKey::load(const fs::path& path, std::optional<std::string_view> passphrase) {
    Key key = load_private_key(path, passphrase, "name a PEM file with an RSA key");
    if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key.get()) < 2048)
        throw load_error(path, "it is not an RSA key of 2048 bits or more", "firmware verifies nothing else reliably");
    return PrivateKey(std::make_unique<State>(State{std::move(key)}));
}

void PrivateKey::save_new(const fs::path& path) const { save_private_key(path, state_->key, std::nullopt); }

PublicKey PrivateKey::public_key() const {
    return PublicKey::from_der(der_of(i2d_PUBKEY, static_cast<const EVP_PKEY*>(state_->key.get())), "own key");
}

Bytes PrivateKey::sign(const Digest& digest) const {
    const KeyContext context = prepared(state_->key.get(), EVP_PKEY_sign_init);
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get()));
    Bytes signature(size);
    if (EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, raw(digest.bytes()),
                      Digest::size) != 1)
        fail("sign with", "RSA key");
    signature.resize(size);
    return signature;
}

// ---- Certificate -------------------------------------------------------------------------------

namespace {

Time time_of(const ASN1_TIME* time, std::string_view name) {
    std::tm fields{};
    if (ASN1_TIME_to_tm(time, &fields) != 1) fail("read the certificate", name);
    return Time(std::chrono::seconds(::timegm(&fields)));
}

std::string subject_of(X509* certificate) {
    const Bio out = writer();
    X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    return std::string(text_of(contents(out.get())));
}

Bytes issuer_and_serial_of(X509* certificate) {
    const auto issuer = der_of(i2d_X509_NAME, static_cast<const X509_NAME*>(X509_get_issuer_name(certificate)));
    const auto serial = der_of(i2d_ASN1_INTEGER, X509_get0_serialNumber(certificate));
    return der::element(der::Tag::sequence, {issuer, serial});
}

} // namespace

Certificate Certificate::from_der(ByteView der, std::string_view name) {
    const unsigned char* at = raw(der);
    const X509Handle parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (!parsed) fail("read the certificate", name);
    if (at != raw(der) + der.size())
        throw Error(fmt::format("cannot read the certificate '{}': more bytes follow it", name));
    EVP_PKEY* const key = X509_get0_pubkey(parsed.get());
    if (key == nullptr) fail("read the certificate", name);
    Certificate certificate({der.begin(), der.end()},
                            PublicKey::from_der(der_of(i2d_PUBKEY, static_cast<const EVP_PKEY*>(key)), name));
    certificate.subject_ = subject_of(parsed.get());
    certificate.not_before_ = time_of(X509_get0_notBefore(parsed.get()), name);
    certificate.not_after_ = time_of(X509_get0_notAfter(parsed.get()), name);
    certificate.issuer_and_serial_ = issuer_and_serial_of(parsed.get());
    return certificate;
}

Certificate Certificate::from_pem(std::string_view pem, std::string_view name) {
    const X509Handle parsed(PEM_read_bio_X509(reader(bytes_of(pem)).get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    if (!parsed) throw Error(fmt::format("cannot read the certificate '{}': there is none in PEM form in it", name));
    return from_der(der_of(i2d_X509, static_cast<const X509*>(parsed.get())), name);
}

Certificate Certificate::load(const fs::path& path) { return from_pem(read_file(path), path.native()); }

std::string Certificate::pem() const {
    const unsigned char* at = raw(der_);
    const X509Handle parsed(d2i_X509(nullptr, &at, static_cast<long>(der_.size())));
    const Bio out = writer();
    if (!parsed || PEM_write_bio_X509(out.get(), parsed.get()) != 1) fail("write the certificate", subject_);
    return std::string(text_of(contents(out.get())));
}

// The one friend that sees a private key's handle.
struct CertificateMaker {
    X509Handle certificate{X509_new()};

    void put(bool done) const {
        if (!done) fail("make", "certificate");
    }
    void name(const CertificateRequest& request) const {
        X509_NAME* const name = X509_get_subject_name(certificate.get());
        const auto entry = [&](const char* field, const std::string& text) {
            put(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                                           static_cast<int>(text.size()), -1, 0) == 1);
        };
        entry("O", request.organisation);
        entry("CN", request.common_name);
        put(X509_set_issuer_name(certificate.get(), name) == 1);
    }
    void validity(const CertificateRequest& request) const {
        const auto set = [&](ASN1_TIME* field, Time time) {
            put(ASN1_TIME_adj(field, static_cast<time_t>(time.time_since_epoch().count()), 0, 0) != nullptr);
        };
        set(X509_getm_notBefore(certificate.get()), request.not_before);
        set(X509_getm_notAfter(certificate.get()), request.not_after);
    }
    // 127 bits of the key's fingerprint: positive, unique, and the same for the same key.
    void serial(const PublicKey& key) const {
        Digest::Bytes bytes = key.fingerprint().bytes();
        bytes[0] = (bytes[0] & std::byte{0x3f}) | std::byte{0x40};
        const Handle<BIGNUM, BN_free> number(BN_bin2bn(raw(bytes), 16, nullptr));
        put(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) != nullptr);
    }
    void extension(int nid, const char* value) const {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, certificate.get(), certificate.get(), nullptr, nullptr, 0);
        const Handle<X509_EXTENSION, X509_EXTENSION_free> made(X509V3_EXT_nconf_nid(nullptr, &context, nid, value));
        put(made && X509_add_ext(certificate.get(), made.get(), -1) == 1);
    }
    void extensions(CertificateUse use) const {
        if (use == CertificateUse::key_exchange) {
            extension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
            extension(NID_key_usage, "critical,digitalSignature,keyCertSign");
        } else {
            extension(NID_basic_constraints, "critical,CA:FALSE");
            extension(NID_key_usage, "critical,digitalSignature");
            extension(NID_ext_key_usage, "codeSigning");
        }
        extension(NID_subject_key_identifier, "hash");
    }
    void key(const PrivateKey& key) const {
        put(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
        put(X509_set_pubkey(certificate.get(), key.state_->key.get()) == 1);
    }
    void sign(const PrivateKey& key) const {
        put(X509_sign(certificate.get(), key.state_->key.get(), EVP_sha256()) != 0);
    }
};

Certificate make_self_signed(const PrivateKey& key, const CertificateRequest& request) {
    const CertificateMaker maker;
    maker.put(maker.certificate != nullptr);
    maker.key(key);
    maker.serial(key.public_key());
    maker.name(request);
    maker.validity(request);
    maker.extensions(request.use);
    maker.sign(key);
    return Certificate::from_der(der_of(i2d_X509, static_cast<const X509*>(maker.certificate.get())), request.common_name);
}

// ---- Identity ----------------------------------------------------------------------------------

namespace {

void check_validity(const Certificate& certificate, const fs::path& path, Time now) {
    const auto refuse = [&](std::string_view cause, Time time) {
        return Error(fmt::format("cannot use the certificate '{}': {} {:%Y-%m-%d %H:%M:%S} UTC", path.native(), cause,
                                 fmt::gmtime(time.time_since_epoch().count())),
                     "make a new key set with `ashlar key new`, or name the one that is in use");
    };
    if (now > certificate.not_after()) throw refuse("it expired at", certificate.not_after());
    if (now < certificate.not_before()) throw refuse("it is not valid before", certificate.not_before());
}

} // namespace

Certificate load_certificate(const fs::path& path, Time now) {
    Certificate certificate = Certificate::load(path);
    check_validity(certificate, path, now);
    return certificate;
}

Identity load_identity(const fs::path& key_path, const fs::path& certificate_path, Time now,
                       std::optional<std::string_view> passphrase) {
    auto key = std::make_shared<const PrivateKey>(PrivateKey::load(key_path, passphrase));
    Certificate certificate = Certificate::load(certificate_path);
    if (certificate.public_key() != key->public_key())
        throw Error(fmt::format("cannot use the certificate '{}': it belongs to another key than '{}'",
                                certificate_path.native(), key_path.native()),
                    "put the key and the certificate that were made together beside each other");
    check_validity(certificate, certificate_path, now);
    return {std::move(key), std::move(certificate)};
}

} // namespace ashlar

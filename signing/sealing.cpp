#include <signing/sealing.hpp>

#include "openssl.hpp"

#include <openssl/rsa.h>

namespace ashlar {

using namespace openssl;

namespace {

const unsigned char* raw(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

KeyContext sealing_context(EVP_PKEY* key) {
    KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
    if (!context || EVP_PKEY_encrypt_init(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1)
        fail("use", "RSA key");
    return context;
}

} // namespace

Bytes seal(const PublicKey& to, ByteView secret) {
    const unsigned char* at = raw(to.der());
    const Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(to.der().size())));
    const KeyContext context = sealing_context(key.get());
    std::size_t size = 0;
    if (EVP_PKEY_encrypt(context.get(), nullptr, &size, raw(secret), secret.size()) != 1) fail("seal to", "RSA key");
    Bytes sealed(size);
    if (EVP_PKEY_encrypt(context.get(), reinterpret_cast<unsigned char*>(sealed.data()), &size, raw(secret), secret.size()) != 1)
        fail("seal to", "RSA key");
    sealed.resize(size);
    return sealed;
}

} // namespace ashlar

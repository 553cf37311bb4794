#include <signing/hmac.hpp>

#include "openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

namespace ashlar {

namespace {

using Mac = openssl::Handle<EVP_MAC, EVP_MAC_free>;
using MacContext = openssl::Handle<EVP_MAC_CTX, EVP_MAC_CTX_free>;

// Copied for each use: to look algorithms up anew costs more than a short text.
const EVP_MAC_CTX* prepared() {
    static const MacContext context = [] {
        const Mac mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
        MacContext made(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
        if (!made || EVP_MAC_CTX_set_params(made.get(), parameters) != 1) openssl::fail("start", "HMAC-SHA256");
        return made;
    }();
    return context.get();
}

} // namespace

Digest hmac_sha256(ByteView key, ByteView text) {
    // OpenSSL takes a null pointer for "the key of before".
    static constexpr unsigned char nothing = 0;
    const auto* key_data = key.empty() ? &nothing : reinterpret_cast<const unsigned char*>(key.data());
    const MacContext context(EVP_MAC_CTX_dup(prepared()));
    Digest::Bytes code;
    std::size_t size = 0;
    if (!context || EVP_MAC_init(context.get(), key_data, key.size(), nullptr) != 1 ||
        EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1 ||
        EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(code.data()), &size, code.size()) != 1 || size != code.size())
        openssl::fail("compute", "HMAC-SHA256");
    return Digest(code);
}

bool same_code(ByteView left, ByteView right) {
    return !left.empty() && left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

} // namespace ashlar

#include <signing/hkdf.hpp>

#include "openssl.hpp"

#include <base/error.hpp>
#include <signing/digest.hpp>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

namespace ashlar {

namespace {

using Kdf = openssl::Handle<EVP_KDF, EVP_KDF_free>;
using KdfContext = openssl::Handle<EVP_KDF_CTX, EVP_KDF_CTX_free>;

// OpenSSL's parameters are not const, and are only read.
template <typename Octets> OSSL_PARAM octets(const char* name, const Octets& value) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<void*>(static_cast<const void*>(value.data())), value.size());
}

} // namespace

Bytes hkdf_sha256(ByteView key, std::string_view info, std::size_t size) {
    if (key.empty()) throw Error("cannot derive 'HKDF-SHA256': the key is empty");
    if (size > 255 * Digest::size) throw Error("cannot derive 'HKDF-SHA256': more than 8160 bytes are wanted");
    const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    const KdfContext context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0), octets(OSSL_KDF_PARAM_KEY, key),
                                     octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
    Bytes derived(size);
    if (!context || EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(derived.data()), size, parameters) != 1)
        openssl::fail("derive", "HKDF-SHA256");
    return derived;
}

} // namespace ashlar

#pragma once

// Private to this module: OpenSSL's handles as owning types, and its failures as Error.

#include <signing/bytes.hpp>

#include <memory>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

namespace ashlar::openssl {

template <auto release>
struct Release {
    template <typename Object>
    void operator()(Object* object) const noexcept {
        release(object);
    }
};
template <typename Object, auto release>
using Handle = std::unique_ptr<Object, Release<release>>;

using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Bio = Handle<BIO, BIO_free_all>;
using X509Handle = Handle<X509, X509_free>;
using Pkcs7 = Handle<PKCS7, PKCS7_free>;

// Reads `bytes`, which must outlive it.
[[nodiscard]] Bio reader(ByteView bytes);
[[nodiscard]] Bio writer();
[[nodiscard]] Bytes contents(BIO* bio);

// Throws `cannot <verb> '<object>': <OpenSSL's reason>` and empties OpenSSL's queue.
[[noreturn]] void fail(std::string_view verb, std::string_view object);

// The DER of anything with an i2d function.
template <typename Object>
Bytes der_of(int (*encode)(Object*, unsigned char**), Object* object) {
    unsigned char* out = nullptr;
    const int size = encode(object, &out);
    if (size < 0) fail("encode", "object");
    const std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owner(out);
    const auto view = std::as_bytes(std::span(out, static_cast<std::size_t>(size)));
    return {view.begin(), view.end()};
}

} // namespace ashlar::openssl

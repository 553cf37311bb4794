#include <signing/aead.hpp>

#include "openssl.hpp"

#include <base/error.hpp>
#include <base/random.hpp>

#include <limits>
#include <span>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

namespace ashlar {

using namespace openssl;

namespace {

constexpr std::size_t nonce_size = 12, tag_size = 16;

using CipherContext = Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

const unsigned char* raw(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
const unsigned char* raw(const Secret& secret) { return reinterpret_cast<const unsigned char*>(secret.text().data()); }
unsigned char* raw(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// OpenSSL counts in int.
int size_of(ByteView bytes) {
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) / 2) throw Error("cannot encrypt: it is too large");
    return static_cast<int>(bytes.size());
}

void require_key(const Secret& key) {
    if (key.text().size() != aead_key_size) throw Error(fmt::format("cannot encrypt: a key has {} bytes", aead_key_size));
}

} // namespace

Bytes encrypt(const Secret& key, ByteView context, ByteView plain) {
    require_key(key);
    Bytes sealed(nonce_size + plain.size() + tag_size);
    fill_with_random(std::span(sealed).first(nonce_size));
    unsigned char* const text = raw(sealed) + nonce_size;
    const CipherContext cipher(EVP_CIPHER_CTX_new());
    int size = 0;
    if (!cipher || EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(key), raw(sealed)) != 1 || EVP_EncryptUpdate(cipher.get(), nullptr, &size, raw(context), size_of(context)) != 1 ||
        EVP_EncryptUpdate(cipher.get(), text, &size, raw(plain), size_of(plain)) != 1 || EVP_EncryptFinal_ex(cipher.get(), text + size, &size) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, text + plain.size()) != 1)
        fail("encrypt", "bytes");
    return sealed;
}

// Nothing of it is seen before all of it is known to be whole.
std::optional<Bytes> decrypt(const Secret& key, ByteView context, ByteView sealed) {
    require_key(key);
    if (sealed.size() < nonce_size + tag_size) return std::nullopt;
    const ByteView text = sealed.subspan(nonce_size, sealed.size() - nonce_size - tag_size);
    Bytes tag(sealed.end() - tag_size, sealed.end()), plain(text.size() + 1);
    const CipherContext cipher(EVP_CIPHER_CTX_new());
    int size = 0;
    const bool whole = cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(key), raw(sealed)) == 1 &&
                       EVP_DecryptUpdate(cipher.get(), nullptr, &size, raw(context), size_of(context)) == 1 && EVP_DecryptUpdate(cipher.get(), raw(plain), &size, raw(text), size_of(text)) == 1 &&
                       EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, raw(tag)) == 1 && EVP_DecryptFinal_ex(cipher.get(), raw(plain) + size, &size) == 1;
    ERR_clear_error();
    if (!whole) {
        OPENSSL_cleanse(plain.data(), plain.size());
        return std::nullopt;
    }
    plain.resize(text.size());
    return plain;
}

} // namespace ashlar

#include <signing/sealing.hpp>

#include "openssl.hpp"
#include "private_key.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

namespace ashlar {

using namespace openssl;

namespace {

const unsigned char* raw(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// `begin`: EVP_PKEY_encrypt_init or the other way.
KeyContext sealing_context(EVP_PKEY* key, int (*begin)(EVP_PKEY_CTX*)) {
    KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
    if (!context || begin(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1)
        fail("use", "RSA key");
    return context;
}

} // namespace

Bytes seal(const PublicKey& to, ByteView secret) {
    const unsigned char* at = raw(to.der());
    const Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(to.der().size())));
    const KeyContext context = sealing_context(key.get(), EVP_PKEY_encrypt_init);
    std::size_t size = 0;
    if (EVP_PKEY_encrypt(context.get(), nullptr, &size, raw(secret), secret.size()) != 1) fail("seal to", "RSA key");
    Bytes sealed(size);
    if (EVP_PKEY_encrypt(context.get(), reinterpret_cast<unsigned char*>(sealed.data()), &size, raw(secret), secret.size()) != 1)
        fail("seal to", "RSA key");
    sealed.resize(size);
    return sealed;
}

// ---- OpeningKey ----------------------------------------------------------------------------------

struct OpeningKey::State {
    Key key;
    PublicKey public_key;
};

OpeningKey::OpeningKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpeningKey::OpeningKey(OpeningKey&&) noexcept = default;
OpeningKey& OpeningKey::operator=(OpeningKey&&) noexcept = default;
OpeningKey::~OpeningKey() = default;

OpeningKey OpeningKey::load(const std::filesystem::path& path, std::optional<std::string_view> passphrase) {
    Key key = load_private_key(path, passphrase, "give the private half of the key that it was sealed to");
    auto public_key = PublicKey::from_der(der_of(i2d_PUBKEY, static_cast<const EVP_PKEY*>(key.get())), path.native());
    return OpeningKey(std::make_unique<State>(State{std::move(key), std::move(public_key)}));
}

PublicKey OpeningKey::public_key() const { return state_->public_key; }

std::optional<Secret> OpeningKey::open(ByteView sealed) const {
    const KeyContext context = sealing_context(state_->key.get(), EVP_PKEY_decrypt_init);
    Bytes plain(static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get())));
    std::size_t size = plain.size();
    const bool opens = EVP_PKEY_decrypt(context.get(), reinterpret_cast<unsigned char*>(plain.data()), &size, raw(sealed), sealed.size()) == 1;
    ERR_clear_error();
    std::optional<Secret> secret;
    if (opens) secret.emplace(text_of(ByteView(plain).first(size)));
    OPENSSL_cleanse(plain.data(), plain.size());
    return secret;
}

} // namespace ashlar

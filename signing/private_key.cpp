#include "private_key.hpp"

#include <base/file.hpp>
#include <signing/message_key.hpp>
#include <signing/secret.hpp>

#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

namespace ashlar {

namespace fs = std::filesystem;
using namespace openssl;

namespace {

// OpenSSL asks here for a passphrase; without a callback it would ask on the terminal.
struct Passphrase {
    std::optional<std::string_view> text;
    bool asked = false;

    static int answer(char* buffer, int size, int, void* self) {
        auto& passphrase = *static_cast<Passphrase*>(self);
        passphrase.asked = true;
        if (!passphrase.text || passphrase.text->size() > static_cast<std::size_t>(size)) return -1;
        std::memcpy(buffer, passphrase.text->data(), passphrase.text->size());
        return static_cast<int>(passphrase.text->size());
    }
};

// The text of a key file that only its owner can have read or written.
Secret read_key_file(const fs::path& path) {
    const Fd fd = open_file(path, O_RDONLY);
    if (const auto mode = mode_for_others(fd.get(), path))
        throw load_error(path, fmt::format("its mode {:04o} lets others than its owner use it", *mode),
                         fmt::format("chmod 600 '{}'; if others could read it, make a new key", path.native()));
    return Secret::all_from(fd.get(), path.native());
}

// ---- Writing -----------------------------------------------------------------------------------

using KeyInfo = Handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using Encrypted = Handle<X509_SIG, X509_SIG_free>;
using Algorithm = Handle<X509_ALGOR, X509_ALGOR_free>;

Bio plain_text(const Key& key) {
    Bio out(BIO_new(BIO_s_secmem()));
    if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        fail("write", "private key");
    return out;
}

// OpenSSL's own choice for scrypt: 16 MiB, below the limit that it reads with.
Algorithm password_encryption() {
    constexpr std::uint64_t cost = 16384, block = 8, parallel = 1;
    Algorithm algorithm(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 0, nullptr, cost, block, parallel));
    if (!algorithm) fail("encrypt", "private key");
    return algorithm;
}

Bio encrypted_text(const Key& key, std::string_view passphrase) {
    const KeyInfo info(EVP_PKEY2PKCS8(key.get()));
    Algorithm algorithm = password_encryption();
    const Encrypted encrypted(PKCS8_set0_pbe(passphrase.data(), static_cast<int>(passphrase.size()), info.get(), algorithm.get()));
    if (!encrypted) fail("encrypt", "private key");
    (void)algorithm.release(); // it is a part of the result
    Bio out = writer();
    if (PEM_write_bio_PKCS8(out.get(), encrypted.get()) != 1) fail("write", "private key");
    return out;
}

} // namespace

std::optional<unsigned> mode_for_others(int fd, const fs::path& path) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) throw system_error("read", path.native());
    if ((info.st_mode & 077) == 0) return std::nullopt;
    return info.st_mode & 07777;
}

Error load_error(const fs::path& path, std::string_view cause, std::string hint) {
    return Error(fmt::format("cannot load the private key '{}': {}", path.native(), cause), std::move(hint));
}

Key load_private_key(const fs::path& path, std::optional<std::string_view> text, std::string_view remedy) {
    prepare_for_secrets();
    const Secret secret = read_key_file(path);
    Passphrase passphrase{text};
    Key key(PEM_read_bio_PrivateKey(reader(bytes_of(secret.text())).get(), nullptr, Passphrase::answer, &passphrase));
    ERR_clear_error(); // OpenSSL's words about a key file may quote it
    if (!key && passphrase.asked && !text)
        throw load_error(path, "it is encrypted and no passphrase was given", "give its passphrase, or a key file without one");
    if (!key && passphrase.asked) throw load_error(path, "the passphrase is wrong", "give its passphrase");
    if (!key) throw load_error(path, "there is no private key in PEM form in it", std::string(remedy));
    return key;
}

Key private_key_in(const Secret& pem) {
    Passphrase none;
    Key key(PEM_read_bio_PrivateKey(reader(bytes_of(pem.text())).get(), nullptr, Passphrase::answer, &none));
    ERR_clear_error(); // as above
    return key;
}

Secret text_of_private_key(const Key& key) {
    const Bio text = plain_text(key);
    char* data = nullptr;
    const long size = BIO_get_mem_data(text.get(), &data);
    return Secret({data, static_cast<std::size_t>(size)});
}

void save_private_key(const fs::path& path, const Key& key, std::optional<std::string_view> passphrase) {
    if (passphrase && passphrase->empty())
        throw Error(fmt::format("cannot write the private key '{}': its passphrase is empty", path.native()), "give one, or none at all");
    const Bio text = passphrase ? encrypted_text(key, *passphrase) : plain_text(key);
    Fd fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    char* data = nullptr;
    const long size = BIO_get_mem_data(text.get(), &data);
    write_all(fd.get(), std::string_view(data, static_cast<std::size_t>(size)), path.native());
    fd.close();
}

bool is_encrypted(const fs::path& path) {
    const Secret secret = read_key_file(path);
    const auto says = [&](std::string_view words) { return secret.text().find(words) != std::string_view::npos; };
    return says("-----BEGIN ENCRYPTED PRIVATE KEY-----") || says("Proc-Type: 4,ENCRYPTED");
}

} // namespace ashlar

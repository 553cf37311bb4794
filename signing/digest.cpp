#include <signing/digest.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <fcntl.h>
#include <vector>

#include <openssl/evp.h>

namespace ashlar {

struct Hasher::State {
    struct Free {
        void operator()(EVP_MD_CTX* handle) const noexcept { EVP_MD_CTX_free(handle); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

namespace {

// Fetched once: EVP_sha256() alone makes OpenSSL 3 look the algorithm up on every use.
const EVP_MD* algorithm() {
    static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched;
}

} // namespace

std::optional<Digest> Digest::from_hex(std::string_view text) {
    const auto decoded = ashlar::from_hex(text);
    if (!decoded || decoded->size() != size) return std::nullopt;
    Bytes bytes;
    std::copy(decoded->begin(), decoded->end(), bytes.begin());
    return Digest(bytes);
}

std::string Digest::hex() const { return to_hex(bytes_); }

Hasher::Hasher() : state_(std::make_unique<State>()) {
    if (EVP_DigestInit_ex(state_->context.get(), algorithm(), nullptr) != 1)
        throw Error("cannot start 'SHA-256': OpenSSL has no such digest");
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> bytes) {
    if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1)
        throw Error("cannot compute 'SHA-256': OpenSSL failed");
}

void Hasher::update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }

Digest Hasher::finish() {
    Digest::Bytes bytes;
    if (EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(bytes.data()), nullptr) != 1)
        throw Error("cannot compute 'SHA-256': OpenSSL failed");
    return Digest(bytes);
}

Digest sha256(std::span<const std::byte> bytes) {
    Hasher hasher;
    hasher.update(bytes);
    return hasher.finish();
}

Digest sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text.data(), text.size()))); }

Digest sha256_of_file(const std::filesystem::path& path) {
    const Fd fd = open_file(path, O_RDONLY);
    std::vector<std::byte> buffer(1 << 18);
    Hasher hasher;
    while (const std::size_t got = read_some(fd.get(), buffer, path.native()))
        hasher.update(std::span(buffer).first(got));
    return hasher.finish();
}

} // namespace ashlar

#pragma once

// A short secret that only the holder of an RSA private key can read: RSAES-OAEP (RFC 8017, 7.1) with
// SHA-256, MGF1 with SHA-256, and no label. The holder reads it with
//
//     openssl pkeyutl -decrypt -inkey KEY -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256

#include <signing/bytes.hpp>
#include <signing/key.hpp>
#include <signing/secret.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

namespace ashlar {

// How formats name it.
inline constexpr std::string_view sealing_algorithm = "rsa-oaep-sha256";

// As long as the key's modulus; other bytes at each call. `secret` may have at most 190 bytes (a key of
// 2048 bits).
[[nodiscard]] Bytes seal(const PublicKey& to, ByteView secret);

// The private half. A type of its own: what opens secrets signs nothing.
class OpeningKey {
public:
    // PEM, as PrivateKey::load() takes it. An Error for what is no RSA key.
    [[nodiscard]] static OpeningKey load(const std::filesystem::path& path, std::optional<std::string_view> passphrase = std::nullopt);
    OpeningKey(OpeningKey&&) noexcept;
    OpeningKey& operator=(OpeningKey&&) noexcept;
    ~OpeningKey();

    [[nodiscard]] PublicKey public_key() const;
    // Nothing for what was sealed to another key, or was changed since.
    [[nodiscard]] std::optional<Secret> open(ByteView sealed) const;

private:
    struct State;
    explicit OpeningKey(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace ashlar

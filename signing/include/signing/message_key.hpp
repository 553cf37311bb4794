#pragma once

// Keys that sign messages: release metadata, above all. (Firmware wants RSA over a digest: <signing/key.hpp>.)
//
// Signatures are what The Update Framework names, in the bytes that securesystemslib writes:
//
//     name                  key                       signature
//     ed25519               Ed25519 (RFC 8032)        64 bytes
//     ecdsa-sha2-nistp256   P-256                     over SHA-256, DER (RFC 3279, Ecdsa-Sig-Value)
//     ecdsa-sha2-nistp384   P-384                     over SHA-384, DER
//     rsassa-pss-sha256     RSA, 2048 bits or more    RFC 8017, MGF1 with SHA-256; verified with any length of salt
//
// A private key is another type than a public one and never reaches a message. It leaves this type only as a Secret, to be kept
// where its owner keeps it, or to be sealed.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/secret.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

enum class SignatureScheme { ed25519, ecdsa_p256, ecdsa_p384, rsa_pss };
[[nodiscard]] std::string_view name_of(SignatureScheme scheme); // "ecdsa-sha2-nistp256"
[[nodiscard]] std::optional<SignatureScheme> scheme_named(std::string_view name);

// A public key, and how it is used.
class VerifyingKey {
public:
    // `der`, `pem`: SubjectPublicKeyInfo. An Error when it is no key of that scheme.
    [[nodiscard]] static VerifyingKey from_der(ByteView der, SignatureScheme scheme, std::string_view name);
    [[nodiscard]] static VerifyingKey from_pem(std::string_view pem, SignatureScheme scheme, std::string_view name);
    // The 32 bytes of an Ed25519 key.
    [[nodiscard]] static VerifyingKey from_ed25519(ByteView point, std::string_view name);

    [[nodiscard]] SignatureScheme scheme() const noexcept { return scheme_; }
    [[nodiscard]] const Bytes& der() const noexcept { return der_; }
    [[nodiscard]] std::string pem() const;
    // The 32 bytes, of an Ed25519 key; an Error for others.
    [[nodiscard]] Bytes ed25519() const;
    // Never throws for foreign bytes: what is no signature does not verify.
    [[nodiscard]] bool verifies(ByteView message, ByteView signature) const;
    bool operator==(const VerifyingKey&) const = default;

private:
    VerifyingKey(Bytes der, SignatureScheme scheme) : der_(std::move(der)), scheme_(scheme) {}
    Bytes der_;
    SignatureScheme scheme_;
};

// Whatever can sign a message: a file, a token.
class MessageSigner {
public:
    virtual ~MessageSigner() = default;
    [[nodiscard]] virtual VerifyingKey verifying_key() const = 0;
    [[nodiscard]] virtual Bytes sign(ByteView message) const = 0;
};

// A key in this process's memory.
class SigningKey final : public MessageSigner {
public:
    [[nodiscard]] static SigningKey generate(SignatureScheme scheme);
    // PEM, PKCS #8. The scheme is that of the key; an RSA key is used with PSS. Refuses a file that group or others may read
    // or write, and an encrypted one without a passphrase.
    [[nodiscard]] static SigningKey load(const std::filesystem::path& path, std::optional<std::string_view> passphrase = std::nullopt);
    // What secret() gave: PKCS #8 in PEM, not encrypted. `name` is for messages.
    [[nodiscard]] static SigningKey from_secret(const Secret& pem, std::string_view name);
    SigningKey(SigningKey&&) noexcept;
    SigningKey& operator=(SigningKey&&) noexcept;
    ~SigningKey() override;

    // A new file with mode 0600, PKCS #8; with a passphrase encrypted by it (PBES2: scrypt, AES-256-CBC). An existing file is
    // an error.
    void save_new(const std::filesystem::path& path, std::optional<std::string_view> passphrase) const;
    [[nodiscard]] Secret secret() const;

    [[nodiscard]] VerifyingKey verifying_key() const override;
    [[nodiscard]] Bytes sign(ByteView message) const override;

private:
    friend struct SigningKeyHandle;
    struct State;
    explicit SigningKey(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Whether a key file wants a passphrase. Refuses the files that load() refuses.
[[nodiscard]] bool is_encrypted(const std::filesystem::path& path);

} // namespace ashlar

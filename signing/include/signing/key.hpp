#pragma once

// Keys and certificates. RSA only: firmware does not generally verify anything else, and an RSA
// PKCS #1 v1.5 signature is the same bytes each time. Every signature here is RSASSA-PKCS1-v1_5 over
// SHA-256.
//
// A private key is another type than a public one, has no accessor for its secret and never reaches a
// message. What signs is the interface Signer, so that the key may sit in a file, in a token, or on
// another machine.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

class PublicKey {
public:
    // `der`: SubjectPublicKeyInfo. Throws Error when it is not an RSA key.
    [[nodiscard]] static PublicKey from_der(ByteView der, std::string_view name);
    [[nodiscard]] static PublicKey from_pem(std::string_view pem, std::string_view name);

    [[nodiscard]] const Bytes& der() const noexcept { return der_; }
    [[nodiscard]] std::string pem() const;
    [[nodiscard]] unsigned bits() const noexcept { return bits_; }
    [[nodiscard]] Digest fingerprint() const { return sha256(der_); }
    [[nodiscard]] bool verifies(const Digest& digest, ByteView signature) const;
    bool operator==(const PublicKey&) const = default;

private:
    PublicKey(Bytes der, unsigned bits) : der_(std::move(der)), bits_(bits) {}
    Bytes der_;
    unsigned bits_;
};

// Whatever can sign a digest.
class Signer {
public:
    virtual ~Signer() = default;
    [[nodiscard]] virtual PublicKey public_key() const = 0;
    [[nodiscard]] virtual Bytes sign(const Digest& digest) const = 0;
};

enum class RsaBits : unsigned { rsa2048 = 2048, rsa3072 = 3072, rsa4096 = 4096 };

// A key in this process's memory.
class PrivateKey final : public Signer {
public:
    [[nodiscard]] static PrivateKey generate(RsaBits bits);
    // PEM, PKCS #8 or PKCS #1. Refuses a file that group or others may read or write, and an encrypted
    // one without a passphrase.
    [[nodiscard]] static PrivateKey load(const std::filesystem::path& path,
                                         std::optional<std::string_view> passphrase = std::nullopt);
    PrivateKey(PrivateKey&&) noexcept;
    PrivateKey& operator=(PrivateKey&&) noexcept;
    ~PrivateKey() override;

    // A new file with mode 0600, PKCS #8, in plain; an existing file is an error.
    void save_new(const std::filesystem::path& path) const;

    [[nodiscard]] PublicKey public_key() const override;
    [[nodiscard]] Bytes sign(const Digest& digest) const override;

private:
    friend struct CertificateMaker;
    struct State;
    explicit PrivateKey(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

using Time = std::chrono::sys_seconds;

// An X.509 certificate: its DER and what this project asks of it.
class Certificate {
public:
    [[nodiscard]] static Certificate from_der(ByteView der, std::string_view name);
    // The first certificate of the text.
    [[nodiscard]] static Certificate from_pem(std::string_view pem, std::string_view name);
    [[nodiscard]] static Certificate load(const std::filesystem::path& path); // PEM

    [[nodiscard]] const Bytes& der() const noexcept { return der_; }
    [[nodiscard]] std::string pem() const;
    [[nodiscard]] const std::string& subject() const noexcept { return subject_; } // "O = Example, CN = Example PK"
    [[nodiscard]] Time not_before() const noexcept { return not_before_; }
    [[nodiscard]] Time not_after() const noexcept { return not_after_; }
    [[nodiscard]] const PublicKey& public_key() const noexcept { return key_; }
    [[nodiscard]] Digest fingerprint() const { return sha256(der_); }
    // DER of IssuerAndSerialNumber (RFC 2315), which is how a signature names its certificate.
    [[nodiscard]] const Bytes& issuer_and_serial() const noexcept { return issuer_and_serial_; }
    bool operator==(const Certificate& other) const { return der_ == other.der_; }

private:
    Certificate(Bytes der, PublicKey key) : der_(std::move(der)), key_(std::move(key)) {}
    Bytes der_;
    PublicKey key_;
    std::string subject_;
    Time not_before_{}, not_after_{};
    Bytes issuer_and_serial_;
};

enum class CertificateUse { key_exchange, code_signing }; // PK and KEK / db

struct CertificateRequest {
    std::string organisation;
    std::string common_name;
    CertificateUse use;
    Time not_before;
    Time not_after;
};
// Signed by the key itself. The serial number comes from the key, so that the same key and request give
// the same bytes.
[[nodiscard]] Certificate make_self_signed(const PrivateKey& key, const CertificateRequest& request);

// From a PEM file. Refuses one that is not valid at `now`.
[[nodiscard]] Certificate load_certificate(const std::filesystem::path& path, Time now);

// A signer and the certificate that others know it by.
struct Identity {
    std::shared_ptr<const Signer> signer;
    Certificate certificate;
};
// Both from PEM files. Refuses a certificate of another key, and one that is not valid at `now`.
[[nodiscard]] Identity load_identity(const std::filesystem::path& key, const std::filesystem::path& certificate,
                                     Time now, std::optional<std::string_view> passphrase = std::nullopt);

} // namespace ashlar

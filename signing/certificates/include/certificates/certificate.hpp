#pragma once

// An X.509 certificate on P-256 (RFC 5280): its DER, and what is asked of it before it is trusted, which is little.
// (<signing/key.hpp> has those of firmware, which are RSA.)

#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>

#include <string>
#include <string_view>

namespace ashlar::certificates {

class SiteCertificate {
public:
    static constexpr std::size_t most = 4096; // bytes of DER

    // An Error for what is not one certificate of a key on P-256, or is larger than `most`.
    [[nodiscard]] static SiteCertificate from_der(ByteView der, std::string_view name);
    [[nodiscard]] static SiteCertificate from_pem(std::string_view pem, std::string_view name);

    [[nodiscard]] const Bytes& der() const noexcept { return der_; }
    [[nodiscard]] std::string pem() const;
    [[nodiscard]] Digest digest() const { return sha256(der_); }
    [[nodiscard]] const VerifyingKey& key() const noexcept { return key_; }
    [[nodiscard]] Time not_before() const noexcept { return not_before_; }
    [[nodiscard]] Time not_after() const noexcept { return not_after_; }
    bool operator==(const SiteCertificate& other) const { return der_ == other.der_; }

private:
    SiteCertificate(Bytes der, VerifyingKey key, Time not_before, Time not_after);
    Bytes der_;
    VerifyingKey key_;
    Time not_before_, not_after_;
};

} // namespace ashlar::certificates

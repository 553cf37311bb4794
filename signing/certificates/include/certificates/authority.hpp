#pragma once

// The site's authority: the key whose certificate every node of the site trusts, and what it issues.
// docs/formats/certificates.md. Pure but for random numbers: the time is an argument.

#include <certificates/bearer.hpp>
#include <certificates/certificate.hpp>
#include <certificates/verify.hpp>

#include <chrono>

namespace ashlar::certificates {

inline constexpr std::chrono::days authority_life{3653}, node_life{30}, operator_life{90};
// Clocks lie at first boot.
inline constexpr std::chrono::hours clocks_behind{24};

class Authority {
public:
    // A new key and its certificate: at genesis, once in the life of a site.
    [[nodiscard]] static Authority found(const SiteId& site, Time now);
    // An Error when `key` is not that of the certificate.
    [[nodiscard]] static Authority with(SigningKey key, Trust trust);

    [[nodiscard]] const Trust& trust() const noexcept { return trust_; }
    [[nodiscard]] const SiteCertificate& certificate() const noexcept { return trust_.authority(); }
    [[nodiscard]] Secret secret() const { return key_.secret(); }

    // Valid from a day before `now` for node_life or operator_life, never longer than the authority. An Error for a bearer who
    // cannot stand in a certificate, and for a key that is not on P-256. That the bearer holds the key has been checked before.
    [[nodiscard]] SiteCertificate issue(const Bearer& bearer, const VerifyingKey& key, Time now) const;

private:
    Authority(SigningKey key, Trust trust) : key_(std::move(key)), trust_(std::move(trust)) {}
    SigningKey key_;
    Trust trust_;
};

// Whether it is time for the next one: a third of its life is over.
[[nodiscard]] bool is_due(const SiteCertificate& certificate, Time now);

// A request (PKCS #10, RFC 2986): says only that whoever made it holds the key. Who that is, the authority knows.
[[nodiscard]] Bytes make_request(const SigningKey& key);
// The key. Refuses what is larger than 4096 bytes, signed by another key, or not on P-256.
[[nodiscard]] std::variant<VerifyingKey, Refusal> check_request(ByteView request);

} // namespace ashlar::certificates

#pragma once

// Who is that? A certificate, judged by what the site trusts: the bearer, or why not. Foreign bytes are never an Error.
// Pure: the time is an argument.

#include <certificates/bearer.hpp>
#include <certificates/certificate.hpp>

#include <string>
#include <variant>
#include <vector>

namespace ashlar::certificates {

enum class Fault {
    malformed,     // no certificate, or not in the form of docs/formats/certificates.md
    foreign,       // of another authority, or of another site
    expired,
    not_yet_valid, // by the clock that was given
    other_key,     // of another key than the one that must be its
};

struct Refusal {
    Fault fault;
    std::string text; // "it expired at 2026-11-30 08:00:00 UTC"
};

// A site's id and the certificate of its authority; of more than one, while one takes the place of another.
class Trust {
public:
    // Whether `authority` is the certificate of an authority of `site` at all, whose digest is `pin`; its validity is asked when
    // something is judged by it.
    [[nodiscard]] static std::variant<Trust, Refusal> pinned(const SiteId& site, ByteView authority, const Digest& pin);

    // The same for a certificate that came on a way that is trusted, as a file of an operator: it says itself of which site it is.
    [[nodiscard]] static std::variant<Trust, Refusal> of_authority(ByteView authority);

    // What those of `other` have signed counts as well. An Error for those of another site.
    [[nodiscard]] Trust and_also(const Trust& other) const;

    [[nodiscard]] const SiteId& site() const noexcept { return site_; }
    [[nodiscard]] const SiteCertificate& authority() const noexcept { return authorities_.front(); } // the first one
    [[nodiscard]] const std::vector<SiteCertificate>& authorities() const noexcept { return authorities_; }

private:
    Trust(const SiteId& site, SiteCertificate authority) : site_(site), authorities_{std::move(authority)} {}
    SiteId site_;
    std::vector<SiteCertificate> authorities_; // one or more
};

// Signed by an authority that is trusted, for this site, in its form, and valid at `now`, as the authority itself is.
[[nodiscard]] std::variant<Bearer, Refusal> verify(ByteView certificate, const Trust& trust, Time now);

// The same, but whether it or the authority is valid at any time is not asked: where clocks are not yet known to be right, at
// genesis.
[[nodiscard]] std::variant<Bearer, Refusal> verify_at_no_time(ByteView certificate, const Trust& trust);

// Of a node whose certificate may have expired while it was cold: `key` is its key, as the site's members have it, and the
// node has just proven that it holds it.
[[nodiscard]] std::variant<NodeBearer, Refusal> may_renew(ByteView certificate, const VerifyingKey& key, const Trust& trust, Time now);

} // namespace ashlar::certificates

#pragma once

// The authorities of a site, when they are not those of its genesis any more: which ones issue now, which others count as well while one takes
// the place of another, and how the former ones said who follows them. docs/formats/certificates.md, "Another authority". Pure.

#include <base/json.hpp>
#include <certificates/authority.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace ashlar::certificates {

// One authority says which one follows it: so that a node which was away, and knows the former, can take the one of now.
struct Succession {
    SiteCertificate before, after;
    Bytes signature; // by the key of `before`
    bool operator==(const Succession&) const = default;
};
[[nodiscard]] Succession succession(const Authority& before, const SiteCertificate& after);

inline constexpr std::size_t most_successions = 8;

// Whether one leads, by these, from the authority that is known to `now`. Foreign bytes are never an Error.
[[nodiscard]] bool leads(const std::vector<Succession>& successions, const SiteId& site, const Digest& known, const Digest& now);

// That of nodes and operators, and that of etcd.
struct AuthorityPair {
    SiteCertificate site, etcd;
    bool operator==(const AuthorityPair&) const = default;
};

struct Lineage {
    std::uint64_t step = 0; // it only grows: of two, the greater one is of now
    AuthorityPair issuing;
    std::optional<AuthorityPair> also; // that counts as well
    std::vector<Succession> successions;
    bool operator==(const Lineage&) const = default;

    [[nodiscard]] Trust trust(const SiteId& site) const; // in the site's certificates
};
[[nodiscard]] Json to_json(const Lineage& lineage);
// An Error for what to_json() does not write, and for certificates that are not those of authorities of the site.
[[nodiscard]] Lineage lineage_in(const Json& json, const SiteId& site);

} // namespace ashlar::certificates

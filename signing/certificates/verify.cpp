#include <certificates/verify.hpp>

#include "names.hpp"
#include "openssl.hpp"

#include <base/error.hpp>
#include <signing/node_id.hpp>

#include <algorithm>
#include <array>
#include <optional>

#include <arpa/inet.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace ashlar::certificates {

using namespace openssl;

namespace {

using Store = Handle<X509_STORE, X509_STORE_free>;
using StoreContext = Handle<X509_STORE_CTX, X509_STORE_CTX_free>;
using GeneralNames = Handle<GENERAL_NAMES, GENERAL_NAMES_free>;

X509Handle decode(ByteView der) {
    const unsigned char* at = reinterpret_cast<const unsigned char*>(der.data());
    return X509Handle(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

std::string shown(Time time) { return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count()))); }

// ---- Names -------------------------------------------------------------------------------------

std::string_view text_of(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// Whether nothing stands there twice, and nothing that is none of the three kinds.
bool read_subject(Names& names, const X509_NAME* subject) {
    for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
        const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(subject, i);
        const std::string text(text_of(X509_NAME_ENTRY_get_data(entry)));
        switch (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))) {
        case NID_organizationName:
            if (!std::exchange(names.organisation, text).empty()) return false;
            break;
        case NID_commonName:
            if (!std::exchange(names.common_name, text).empty()) return false;
            break;
        case NID_organizationalUnitName:
            if (!names.units.insert(text).second) return false;
            break;
        default: return false;
        }
    }
    return true;
}

std::string address_of(std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16) return {};
    return ::inet_ntop(family, bytes.data(), text.data(), text.size());
}

bool read_name(Names& names, const GENERAL_NAME* name) {
    int kind = 0;
    const auto* const value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &kind));
    switch (kind) {
    case GEN_URI: return std::exchange(names.uri, std::string(text_of(value))).empty();
    case GEN_DNS: return names.hosts.emplace(text_of(value)).second;
    case GEN_IPADD: return names.addresses.insert(address_of(text_of(value))).second;
    default: return false;
    }
}

bool read_alternative_names(Names& names, const X509* certificate) {
    const GeneralNames all(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    if (!all) return false;
    for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i)
        if (!read_name(names, sk_GENERAL_NAME_value(all.get(), i))) return false;
    return true;
}

std::optional<Names> names_in(const X509* certificate) {
    Names names;
    if (!read_subject(names, X509_get_subject_name(certificate)) || !read_alternative_names(names, certificate)) return std::nullopt;
    return names;
}

// ---- The chain ---------------------------------------------------------------------------------

Refusal time_refusal(Fault fault, bool of_authority, Time time) {
    const std::string_view whose = of_authority ? "the certificate of the site's authority" : "it";
    return {fault, fault == Fault::expired ? fmt::format("{} expired at {}", whose, shown(time)) : fmt::format("{} is not valid before {}", whose, shown(time))};
}

Refusal refusal_of(const X509_STORE_CTX* context, const SiteCertificate& certificate, const SiteCertificate& authority) {
    const bool of_authority = X509_STORE_CTX_get_error_depth(context) > 0;
    const SiteCertificate& which = of_authority ? authority : certificate;
    switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return time_refusal(Fault::expired, of_authority, which.not_after());
    case X509_V_ERR_CERT_NOT_YET_VALID: return time_refusal(Fault::not_yet_valid, of_authority, which.not_before());
    default: return {Fault::foreign, "it is not signed by the site's authority"};
    }
}

// Without a time it is not asked.
std::optional<Refusal> refused_by(X509* leaf, const SiteCertificate& certificate, const SiteCertificate& trusted, std::optional<Time> now) {
    const X509Handle authority = decode(trusted.der());
    const Store store(X509_STORE_new());
    const StoreContext context(X509_STORE_CTX_new());
    if (!store || !context || X509_STORE_add_cert(store.get(), authority.get()) != 1 || X509_STORE_CTX_init(context.get(), store.get(), leaf, nullptr) != 1)
        fail("verify", "certificate");
    X509_VERIFY_PARAM* const rules = X509_STORE_CTX_get0_param(context.get()); // belongs to the context
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_X509_STRICT | (now ? 0UL : static_cast<unsigned long>(X509_V_FLAG_NO_CHECK_TIME)));
    if (now) X509_VERIFY_PARAM_set_time(rules, static_cast<std::time_t>(now->time_since_epoch().count()));
    X509_VERIFY_PARAM_set_depth(rules, 0);
    const int answer = X509_verify_cert(context.get());
    ERR_clear_error();
    return answer == 1 ? std::nullopt : std::optional(refusal_of(context.get(), certificate, trusted));
}

// Nothing: one of them has signed it, and it is valid. Otherwise what the one says that has signed it; they have one name, so each is asked
// by itself.
std::optional<Refusal> refused(X509* leaf, const SiteCertificate& certificate, const Trust& trust, std::optional<Time> now) {
    std::optional<Refusal> refusal;
    for (const SiteCertificate& authority : trust.authorities()) {
        auto said = refused_by(leaf, certificate, authority, now);
        if (!said) return std::nullopt;
        if (!refusal || refusal->fault == Fault::foreign) refusal = std::move(said);
    }
    return refusal;
}

// What it may be used for. The authority's own certificate is signed by the authority as well.
bool is_used_as(X509* certificate, const Bearer& bearer) {
    const std::uint32_t uses = X509_get_extended_key_usage(certificate);
    const std::uint32_t wanted = std::holds_alternative<OperatorBearer>(bearer) ? XKU_SSL_CLIENT : XKU_SSL_CLIENT | XKU_SSL_SERVER;
    return X509_check_ca(certificate) == 0 && X509_get_key_usage(certificate) == KU_DIGITAL_SIGNATURE && uses == wanted;
}

// A node is its key: a certificate that says otherwise would be the authority's error, or somebody's trick.
bool is_of_its_key(const Bearer& bearer, const VerifyingKey& key) {
    const auto* const node = std::get_if<NodeBearer>(&bearer);
    return node == nullptr || node->node == node_id_of(key);
}

std::variant<Bearer, Refusal> judged(ByteView der, const Trust& trust, std::optional<Time> now) try {
    const SiteCertificate certificate = SiteCertificate::from_der(der, "peer");
    const X509Handle leaf = decode(der);
    const auto names = names_in(leaf.get());
    if (auto refusal = refused(leaf.get(), certificate, trust, now)) return *refusal;
    if (names && names->organisation != trust.site().text()) return Refusal{Fault::foreign, "it is of another site"};
    const auto bearer = names ? bearer_of(*names, trust.site()) : std::nullopt;
    if (!bearer || !is_used_as(leaf.get(), *bearer)) return Refusal{Fault::malformed, "it names nobody in the form that a site's certificates have"};
    if (!is_of_its_key(*bearer, certificate.key())) return Refusal{Fault::malformed, "its node id is not that of its key"};
    return *bearer;
} catch (const Error& error) {
    return Refusal{Fault::malformed, error.message()};
}

bool is_authority_of(const SiteId& site, const SiteCertificate& certificate) {
    const X509Handle parsed = decode(certificate.der());
    const auto names = names_in(parsed.get());
    return names && names->organisation == site.text() && names->uri == uri_of(site) && names->hosts.empty() && names->addresses.empty() &&
           X509_check_ca(parsed.get()) == 1 && X509_get_key_usage(parsed.get()) == KU_KEY_CERT_SIGN && X509_get_pathlen(parsed.get()) == 0 &&
           X509_self_signed(parsed.get(), 1) == 1;
}

} // namespace

std::variant<Trust, Refusal> Trust::pinned(const SiteId& site, ByteView authority, const Digest& pin) try {
    if (sha256(authority) != pin) return Refusal{Fault::foreign, "the certificate of the authority is not the one that is trusted"};
    SiteCertificate certificate = SiteCertificate::from_der(authority, "authority");
    const bool right = is_authority_of(site, certificate);
    ERR_clear_error();
    if (!right) return Refusal{Fault::foreign, fmt::format("it is not the certificate of an authority of the site {}", site.text())};
    return Trust(site, std::move(certificate));
} catch (const Error& error) {
    return Refusal{Fault::malformed, error.message()};
}

Trust Trust::and_also(const Trust& other) const {
    if (other.site_ != site_) throw Error(fmt::format("cannot trust an authority of the site {} as one of {}", other.site_.text(), site_.text()));
    Trust both = *this;
    for (const SiteCertificate& authority : other.authorities_)
        if (std::ranges::find(both.authorities_, authority) == both.authorities_.end()) both.authorities_.push_back(authority);
    return both;
}

std::variant<Trust, Refusal> Trust::of_authority(ByteView authority) try {
    const SiteCertificate certificate = SiteCertificate::from_der(authority, "authority");
    const auto names = names_in(decode(certificate.der()).get());
    const auto site = names ? SiteId::parse(names->organisation) : std::nullopt;
    ERR_clear_error();
    if (!site) return Refusal{Fault::malformed, "it is not the certificate of the authority of a site"};
    return pinned(*site, authority, certificate.digest());
} catch (const Error& error) {
    return Refusal{Fault::malformed, error.message()};
}

std::variant<Bearer, Refusal> verify(ByteView certificate, const Trust& trust, Time now) { return judged(certificate, trust, now); }

std::variant<Bearer, Refusal> verify_at_no_time(ByteView certificate, const Trust& trust) { return judged(certificate, trust, std::nullopt); }

namespace {

std::variant<NodeBearer, Refusal> may_renew_by(ByteView der, const VerifyingKey& key, const Trust& trust, Time now) {
    if (now < trust.authority().not_before()) return time_refusal(Fault::not_yet_valid, true, trust.authority().not_before());
    if (now > trust.authority().not_after()) return time_refusal(Fault::expired, true, trust.authority().not_after());
    const auto judgement = verify_at_no_time(der, trust);
    if (const auto* refusal = std::get_if<Refusal>(&judgement)) return *refusal;
    const SiteCertificate certificate = SiteCertificate::from_der(der, "peer");
    if (now < certificate.not_before()) return time_refusal(Fault::not_yet_valid, false, certificate.not_before());
    if (certificate.key() != key) return Refusal{Fault::other_key, "it is of another key than the member's"};
    const auto* node = std::get_if<NodeBearer>(&std::get<Bearer>(judgement));
    if (node == nullptr) return Refusal{Fault::malformed, "it is not the certificate of a node"};
    return *node;
}

} // namespace

std::variant<NodeBearer, Refusal> may_renew(ByteView der, const VerifyingKey& key, const Trust& trust, Time now) {
    std::optional<Refusal> refusal;
    for (const SiteCertificate& authority : trust.authorities()) {
        auto said = may_renew_by(der, key, std::get<Trust>(Trust::pinned(trust.site(), authority.der(), authority.digest())), now);
        if (auto* const node = std::get_if<NodeBearer>(&said)) return std::move(*node);
        if (!refusal || refusal->fault == Fault::foreign) refusal = std::get<Refusal>(std::move(said));
    }
    return *std::move(refusal);
}

} // namespace ashlar::certificates

#include <certificates/authority.hpp>

#include "names.hpp"
#include "openssl.hpp"
#include "signing_key.hpp"

#include <base/error.hpp>
#include <base/random.hpp>
#include <signing/node_id.hpp>

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace ashlar::certificates {

using namespace openssl;

namespace {

// From a clock of last year to one of next: what it has issued must not be older than the authority itself.
constexpr std::chrono::days authority_before{366};
constexpr std::size_t most_request = 4096;

const unsigned char* raw(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

Key public_half(const VerifyingKey& key) {
    const unsigned char* at = raw(key.der());
    return Key(d2i_PUBKEY(nullptr, &at, static_cast<long>(key.der().size())));
}

struct Validity {
    Time from, to;
};
enum class Kind { authority, peer, client };

// A certificate under construction.
class Draft {
public:
    Draft() : certificate_(X509_new()) {
        put(certificate_ && X509_set_version(certificate_.get(), X509_VERSION_3) == 1);
        set_serial();
    }

    void set_key(const VerifyingKey& key) { put(X509_set_pubkey(certificate_.get(), public_half(key).get()) == 1); }
    void set_validity(const Validity& validity) {
        set_time(X509_getm_notBefore(certificate_.get()), validity.from);
        set_time(X509_getm_notAfter(certificate_.get()), validity.to);
    }
    void set_names(const Names& names) {
        set_subject(names);
        set_alternative_names(names);
    }
    // `issuer` null: by itself.
    [[nodiscard]] SiteCertificate signed_by(const SigningKey& key, const SiteCertificate* issuer, Kind kind) {
        const X509Handle parsed = issuer == nullptr ? nullptr : decoded(*issuer);
        X509* const by = issuer == nullptr ? certificate_.get() : parsed.get();
        put(X509_set_issuer_name(certificate_.get(), X509_get_subject_name(by)) == 1);
        add_extensions(by, kind);
        put(X509_sign(certificate_.get(), SigningKeyHandle::of(key), EVP_sha256()) != 0);
        return SiteCertificate::from_der(der_of(i2d_X509, static_cast<const X509*>(certificate_.get())), "new certificate");
    }

private:
    using General = Handle<GENERAL_NAME, GENERAL_NAME_free>;
    using Generals = Handle<GENERAL_NAMES, GENERAL_NAMES_free>;

    static void put(bool done) {
        if (!done) fail("make", "certificate");
    }
    static X509Handle decoded(const SiteCertificate& certificate) {
        const unsigned char* at = raw(certificate.der());
        return X509Handle(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
    }
    // 126 random bits and one that is set: positive, and never two of one length or less.
    void set_serial() {
        std::array<std::byte, 16> bytes{};
        fill_with_random(bytes);
        bytes[0] = (bytes[0] & std::byte{0x3f}) | std::byte{0x40};
        const Handle<BIGNUM, BN_free> number(BN_bin2bn(raw(bytes), static_cast<int>(bytes.size()), nullptr));
        put(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate_.get())) != nullptr);
    }
    static void set_time(ASN1_TIME* field, Time time) { put(ASN1_TIME_adj(field, static_cast<std::time_t>(time.time_since_epoch().count()), 0, 0) != nullptr); }

    void set_subject(const Names& names) {
        X509_NAME* const subject = X509_get_subject_name(certificate_.get());
        const auto entry = [&](int which, const std::string& text) {
            put(X509_NAME_add_entry_by_NID(subject, which, MBSTRING_UTF8, raw(bytes_of(text)), static_cast<int>(text.size()), -1, 0) == 1);
        };
        entry(NID_organizationName, names.organisation);
        for (const std::string& unit : names.units) entry(NID_organizationalUnitName, unit);
        entry(NID_commonName, names.common_name);
    }

    // Values, never OpenSSL's little language for them: a name cannot become two.
    void set_alternative_names(const Names& names) {
        const Generals all(GENERAL_NAMES_new());
        put(all != nullptr);
        add(all, GEN_URI, V_ASN1_IA5STRING, names.uri);
        for (const std::string& host : names.hosts) add(all, GEN_DNS, V_ASN1_IA5STRING, host);
        for (const std::string& address : names.addresses) add(all, GEN_IPADD, V_ASN1_OCTET_STRING, address_bytes(address));
        put(X509_add1_ext_i2d(certificate_.get(), NID_subject_alt_name, all.get(), 0, X509V3_ADD_DEFAULT) == 1);
    }
    static void add(const Generals& all, int kind, int type, std::string_view value) {
        General name(GENERAL_NAME_new());
        Handle<ASN1_STRING, ASN1_STRING_free> text(ASN1_STRING_type_new(type));
        put(name && text && ASN1_STRING_set(text.get(), value.data(), static_cast<int>(value.size())) == 1);
        GENERAL_NAME_set0_value(name.get(), kind, text.release());
        put(sk_GENERAL_NAME_push(all.get(), name.get()) > 0);
        (void)name.release(); // it is a part of the list
    }
    static std::string address_bytes(const std::string& address) {
        const bool six = address.find(':') != address.npos;
        std::string bytes(six ? 16 : 4, '\0');
        put(::inet_pton(six ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) == 1);
        return bytes;
    }

    void add_extensions(X509* issuer, Kind kind) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, certificate_.get(), nullptr, nullptr, 0);
        const auto extension = [&](int which, const char* constant) {
            const Handle<X509_EXTENSION, X509_EXTENSION_free> made(X509V3_EXT_nconf_nid(nullptr, &context, which, constant));
            put(made && X509_add_ext(certificate_.get(), made.get(), -1) == 1);
        };
        const bool authority = kind == Kind::authority;
        extension(NID_basic_constraints, authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
        extension(NID_key_usage, authority ? "critical,keyCertSign" : "critical,digitalSignature");
        if (!authority) extension(NID_ext_key_usage, kind == Kind::client ? "clientAuth" : "serverAuth,clientAuth");
        extension(NID_subject_key_identifier, "hash");
        extension(NID_authority_key_identifier, "keyid:always");
    }

    X509Handle certificate_;
};

Names authority_names(const SiteId& site) {
    return {.organisation = site.text(), .common_name = "Ashlar site authority", .units = {}, .uri = uri_of(site), .hosts = {}, .addresses = {}};
}

Kind kind_of(const Bearer& bearer) { return std::holds_alternative<OperatorBearer>(bearer) ? Kind::client : Kind::peer; }

Validity validity_of(const Bearer& bearer, Time now, const SiteCertificate& authority) {
    const auto life = std::holds_alternative<OperatorBearer>(bearer) ? operator_life : node_life;
    return {std::max(now - clocks_behind, authority.not_before()), std::min(now + life, authority.not_after())};
}

Error issue_error(const Bearer& bearer, std::string_view cause) { return Error(fmt::format("cannot issue a certificate for '{}': {}", text_of(bearer), cause)); }

void check(const Bearer& bearer, const VerifyingKey& key) {
    if (const auto fault = fault_of(bearer)) throw issue_error(bearer, *fault);
    if (key.scheme() != site_scheme) throw issue_error(bearer, "its key is not on P-256");
    const auto* const node = std::get_if<NodeBearer>(&bearer);
    if (node != nullptr && node->node != node_id_of(key)) throw issue_error(bearer, "its node id is not that of its key");
}

} // namespace

// ---- Authority ---------------------------------------------------------------------------------

Authority Authority::found(const SiteId& site, Time now) {
    SigningKey key = SigningKey::generate(site_scheme);
    Draft draft;
    draft.set_key(key.verifying_key());
    draft.set_validity({now - authority_before, now + authority_life});
    draft.set_names(authority_names(site));
    const SiteCertificate made = draft.signed_by(key, nullptr, Kind::authority);
    return {std::move(key), std::get<Trust>(Trust::pinned(site, made.der(), made.digest()))};
}

Authority Authority::with(SigningKey key, Trust trust) {
    if (key.verifying_key() != trust.authority().key())
        throw Error("cannot use the authority's key: it does not belong to the authority's certificate", "take key and certificate of the same site");
    return {std::move(key), std::move(trust)};
}

SiteCertificate Authority::issue(const Bearer& bearer, const VerifyingKey& key, Time now) const {
    check(bearer, key);
    const Validity validity = validity_of(bearer, now, certificate());
    if (validity.from >= validity.to) throw issue_error(bearer, "the authority's own certificate is not valid now");
    Draft draft;
    draft.set_key(key);
    draft.set_validity(validity);
    draft.set_names(names_of(bearer, trust_.site()));
    return draft.signed_by(key_, &certificate(), kind_of(bearer));
}

bool is_due(const SiteCertificate& certificate, Time now) {
    return now - certificate.not_before() >= clocks_behind + (certificate.not_after() - certificate.not_before() - clocks_behind) / 3;
}

// ---- Requests ----------------------------------------------------------------------------------

namespace {

using Request = Handle<X509_REQ, X509_REQ_free>;

} // namespace

Bytes make_request(const SigningKey& key) {
    const Request request(X509_REQ_new());
    if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 || X509_REQ_set_pubkey(request.get(), SigningKeyHandle::of(key)) != 1 ||
        X509_REQ_sign(request.get(), SigningKeyHandle::of(key), EVP_sha256()) == 0)
        fail("make", "request for a certificate");
    return der_of(i2d_X509_REQ, static_cast<const X509_REQ*>(request.get()));
}

std::variant<VerifyingKey, Refusal> check_request(ByteView der) try {
    const auto refused = [](std::string_view cause) { return Refusal{Fault::malformed, fmt::format("the request for a certificate {}", cause)}; };
    if (der.size() > most_request) return refused(fmt::format("has more than {} bytes", most_request));
    const unsigned char* at = raw(der);
    const Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
    EVP_PKEY* const key = request && at == raw(der) + der.size() ? X509_REQ_get0_pubkey(request.get()) : nullptr;
    const bool whole = key != nullptr && X509_REQ_verify(request.get(), key) == 1;
    ERR_clear_error();
    if (!whole) return refused("is not one, or not signed by its own key");
    return VerifyingKey::from_der(der_of(i2d_PUBKEY, static_cast<const EVP_PKEY*>(key)), site_scheme, "request");
} catch (const Error& error) {
    return Refusal{Fault::malformed, error.message()};
}

} // namespace ashlar::certificates

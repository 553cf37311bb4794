#include <signing/served_certificate.hpp>

#include <base/error.hpp>
#include <signing/certificates.hpp>

#include "openssl.hpp"

#include <array>
#include <cstdlib>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace ashlar {

namespace {

using openssl::X509Handle;
using Names = openssl::Handle<GENERAL_NAMES, GENERAL_NAMES_free>;
using Store = openssl::Handle<X509_STORE, X509_STORE_free>;
using Verification = openssl::Handle<X509_STORE_CTX, X509_STORE_CTX_free>;
void free_stack(STACK_OF(X509)* stack) { sk_X509_free(stack); } // not what is in it
using Stack = openssl::Handle<STACK_OF(X509), free_stack>;

Error refusal(std::string_view cause, std::string hint) {
    ERR_clear_error();
    return Error(fmt::format("cannot use the certificate: {}", cause), std::move(hint));
}

int no_passphrase(char*, int, int, void*) { return -1; }

openssl::Key key_in(std::string_view pem) {
    const openssl::Bio text = openssl::reader(bytes_of(pem));
    openssl::Key key(PEM_read_bio_PrivateKey(text.get(), nullptr, no_passphrase, nullptr));
    if (!key) throw refusal("there is no private key with it that can be read", "put the key, without a passphrase, and the certificates into one file: cat cloud.key cloud.crt chain.crt");
    return key;
}

std::vector<X509Handle> certificates_beside(std::string_view pem) {
    const openssl::Bio text = openssl::reader(bytes_of(pem));
    std::vector<X509Handle> found;
    while (X509* one = PEM_read_bio_X509(text.get(), nullptr, no_passphrase, nullptr)) found.emplace_back(one);
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) throw refusal("one of the certificates is damaged", "look at the file: openssl x509 -in FILE -text");
    ERR_clear_error();
    if (found.empty()) throw refusal("there is a key, and no certificate", "put the key and the certificates into one file");
    return found;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) throw refusal("it has no valid time", "ask for another one");
    return std::chrono::sys_seconds(std::chrono::seconds(::timegm(&parts)));
}

std::string address_of(ByteView bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == sizeof(in6_addr) ? AF_INET6 : AF_INET;
    if (bytes.size() != sizeof(in6_addr) && bytes.size() != sizeof(in_addr)) return {};
    return ::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr ? std::string() : std::string(text.data());
}

std::vector<std::string> names_of(const X509* certificate) {
    const Names all(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::vector<std::string> names;
    for (int at = 0; all && at < sk_GENERAL_NAME_num(all.get()); ++at) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), at);
        if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
        const auto* text = name->type == GEN_DNS ? static_cast<const ASN1_STRING*>(name->d.dNSName) : name->d.iPAddress;
        const auto bytes = std::as_bytes(std::span(ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))));
        names.push_back(name->type == GEN_DNS ? std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) : address_of(bytes));
    }
    return names;
}

void check_time(std::chrono::sys_seconds begins, std::chrono::sys_seconds ends, std::chrono::sys_seconds now) {
    if (now < begins) throw refusal(fmt::format("it begins at {:%Y-%m-%d %H:%M:%S} UTC only", begins), "look at the clock, or wait");
    if (now > ends) throw refusal(fmt::format("it ended at {:%Y-%m-%d %H:%M:%S} UTC", ends), "ask for another one");
}

// Purpose, path lengths and constraints are OpenSSL's to judge.
void check_chain(const std::vector<X509Handle>& chain, std::string_view authorities, std::chrono::sys_seconds now) {
    const Store store(X509_STORE_new());
    for (const auto& der : certificates_in(authorities, "ca")) {
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        const X509Handle authority(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
        if (!authority || X509_STORE_add_cert(store.get(), authority.get()) != 1) openssl::fail("read", "ca");
    }
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN); // one in between may be the one that is trusted
    const Stack above(sk_X509_new_null());
    for (std::size_t at = 1; at < chain.size(); ++at) sk_X509_push(above.get(), chain[at].get());
    const Verification verification(X509_STORE_CTX_new());
    if (X509_STORE_CTX_init(verification.get(), store.get(), chain.front().get(), above.get()) != 1) openssl::fail("check", "the certificate");
    X509_STORE_CTX_set_time(verification.get(), 0, now.time_since_epoch().count());
    X509_STORE_CTX_set_purpose(verification.get(), X509_PURPOSE_SSL_SERVER);
    if (X509_verify_cert(verification.get()) != 1)
        throw refusal(fmt::format("it does not lead to an authority of the site's [trust] ca: {}", X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get()))), "put the certificates in between behind it, or the authority's into site.toml");
}

} // namespace

ServedCertificate check_served_certificate(std::string_view pem, std::string_view authorities, std::chrono::sys_seconds now) {
    const auto key = key_in(pem);
    const auto chain = certificates_beside(pem);
    X509* own = chain.front().get();
    if (X509_check_private_key(own, key.get()) != 1) throw refusal("the first certificate is not that of the key", "the server's own certificate comes first, behind it the one that signed it, and so on");
    ServedCertificate served{.names = names_of(own), .expires = time_of(X509_get0_notAfter(own))};
    if (served.names.empty()) throw refusal("it is for no name", "ask for one with a subjectAltName: browsers look at nothing else");
    check_time(time_of(X509_get0_notBefore(own)), served.expires, now);
    if (!authorities.empty()) check_chain(chain, authorities, now);
    return served;
}

} // namespace ashlar

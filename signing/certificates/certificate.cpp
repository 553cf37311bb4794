#include <certificates/certificate.hpp>

#include "openssl.hpp"

#include <base/error.hpp>

#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/pem.h>

namespace ashlar::certificates {

using namespace openssl;

namespace {

const unsigned char* raw(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

Error refusal(std::string_view name, std::string_view cause) {
    ERR_clear_error();
    return Error(fmt::format("cannot read the certificate '{}': {}", name, cause));
}

Time time_of(const ASN1_TIME* time, std::string_view name) {
    std::tm fields{};
    if (ASN1_TIME_to_tm(time, &fields) != 1) throw refusal(name, "it has a time that is none");
    return Time(std::chrono::seconds(::timegm(&fields)));
}

X509Handle decode(ByteView der) {
    const unsigned char* at = raw(der);
    X509Handle parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (at != raw(der) + der.size()) parsed.reset();
    return parsed;
}

} // namespace

SiteCertificate::SiteCertificate(Bytes der, VerifyingKey key, Time not_before, Time not_after)
    : der_(std::move(der)), key_(std::move(key)), not_before_(not_before), not_after_(not_after) {}

SiteCertificate SiteCertificate::from_der(ByteView der, std::string_view name) {
    if (der.size() > most) throw refusal(name, fmt::format("it has more than {} bytes", most));
    const X509Handle parsed = decode(der);
    if (!parsed) throw refusal(name, "it is not one certificate in DER form");
    EVP_PKEY* const key = X509_get0_pubkey(parsed.get());
    if (key == nullptr) throw refusal(name, "its key is not on P-256");
    return {{der.begin(), der.end()},
            VerifyingKey::from_der(der_of(i2d_PUBKEY, static_cast<const EVP_PKEY*>(key)), SignatureScheme::ecdsa_p256, name),
            time_of(X509_get0_notBefore(parsed.get()), name),
            time_of(X509_get0_notAfter(parsed.get()), name)};
}

SiteCertificate SiteCertificate::from_pem(std::string_view pem, std::string_view name) {
    const X509Handle parsed(PEM_read_bio_X509(reader(bytes_of(pem)).get(), nullptr, nullptr, nullptr));
    if (!parsed) throw refusal(name, "there is none in PEM form in it");
    return from_der(der_of(i2d_X509, static_cast<const X509*>(parsed.get())), name);
}

std::string SiteCertificate::pem() const {
    const Bio out = writer();
    if (PEM_write_bio_X509(out.get(), decode(der_).get()) != 1) fail("write", "certificate");
    return std::string(text_of(contents(out.get())));
}

} // namespace ashlar::certificates

#pragma once

// What a server shows to people: a private key, its certificate, and those that lead from it to an authority (RFC 5280), in one PEM text, as haproxy and others read it.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

struct ServedCertificate {
    std::vector<std::string> names; // and addresses: subjectAltName
    std::chrono::sys_seconds expires;
};

// The key may stand anywhere; of the certificates the server's own is the first. `authorities`: PEM, or nothing, and then nobody says who may sign.
// An Error when the key is missing, encrypted or another certificate's, when it is for no name, does not hold at `now`, or does not lead to one of the authorities.
[[nodiscard]] ServedCertificate check_served_certificate(std::string_view pem, std::string_view authorities, std::chrono::sys_seconds now);

} // namespace ashlar

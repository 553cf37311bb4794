#include "cause.hpp"

#include <fmt/format.h>

namespace ashlar::transfer {

Finding judge_status(long status) {
    const std::string text = fmt::format("HTTP status {}", status);
    if (status == 404 || status == 410) return {Cause::absent, text, {}};
    if (status == 408 || status == 416 || status == 425 || status == 429 || status >= 500)
        return {Cause::transient, text, {}};
    return {Cause::refused, text, {}};
}

Finding judge_outcome(CURLcode outcome, std::string_view detail) {
    const std::string text(detail.empty() ? curl_easy_strerror(outcome) : detail);
    switch (outcome) {
    case CURLE_FILE_COULDNT_READ_FILE: return {Cause::absent, "no such file, or not readable", {}};
    case CURLE_PEER_FAILED_VERIFICATION:
        return {Cause::refused, text,
                "if its certificate is signed by your own authority, name the authority's file as 'certificates' in "
                "Ashlar's configuration"};
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_URL_MALFORMAT:
    case CURLE_REMOTE_ACCESS_DENIED:
    case CURLE_LOGIN_DENIED: return {Cause::refused, text, {}};
    case CURLE_PARTIAL_FILE: return {Cause::transient, "the connection ended in the middle of the file", {}};
    default: return {Cause::transient, text, {}};
    }
}

} // namespace ashlar::transfer

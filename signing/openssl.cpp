#include "openssl.hpp"

#include <base/error.hpp>

#include <fmt/format.h>

#include <openssl/err.h>

namespace ashlar::openssl {

Bio reader(ByteView bytes) {
    Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
    if (!bio) fail("read", "memory");
    return bio;
}

Bio writer() {
    Bio bio(BIO_new(BIO_s_mem()));
    if (!bio) fail("write", "memory");
    return bio;
}

Bytes contents(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    const auto view = std::as_bytes(std::span(data, static_cast<std::size_t>(size)));
    return {view.begin(), view.end()};
}

void fail(std::string_view verb, std::string_view object) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    Error error(fmt::format("cannot {} '{}': {}", verb, object, reason != nullptr ? reason : "OpenSSL refused it"));
    ERR_clear_error();
    throw error;
}

} // namespace ashlar::openssl

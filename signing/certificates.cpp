#include <signing/certificates.hpp>

#include "openssl.hpp"

#include <base/error.hpp>

#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/pem.h>

namespace ashlar {

namespace {

struct Block {
    char *label = nullptr, *header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    Block() = default;
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() {
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, static_cast<std::size_t>(size)); // it may be a private key
    }
};

Error refusal(std::string_view name, std::string_view cause) { return Error(fmt::format("cannot read the certificates '{}': {}", name, cause)); }

Bytes certificate_in(const Block& block, std::string_view name) {
    if (std::string_view(block.label) != PEM_STRING_X509) throw refusal(name, fmt::format("there is a '{}' among them", block.label));
    const unsigned char* at = block.data;
    const openssl::X509Handle parsed(d2i_X509(nullptr, &at, block.size));
    ERR_clear_error();
    if (!parsed || at != block.data + block.size) throw refusal(name, "one of them is damaged");
    return openssl::der_of(i2d_X509, static_cast<const X509*>(parsed.get()));
}

} // namespace

std::vector<Bytes> certificates_in(std::string_view pem, std::string_view name) {
    const openssl::Bio text = openssl::reader(bytes_of(pem));
    std::vector<Bytes> found;
    for (;;) {
        Block block;
        if (PEM_read_bio(text.get(), &block.label, &block.header, &block.data, &block.size) != 1) break;
        found.push_back(certificate_in(block, name));
    }
    const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (found.empty()) throw refusal(name, "there is none in PEM form in it");
    if (!ended) throw refusal(name, "one of them is damaged");
    return found;
}

} // namespace ashlar

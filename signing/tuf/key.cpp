#include "key.hpp"

#include <base/text.hpp>

#include <fmt/format.h>


namespace ashlar::tuf {

namespace {

// python-tuf of before wrote the scheme's name as the type of a key.
bool fits(std::string_view type, SignatureScheme scheme) {
    switch (scheme) {
    case SignatureScheme::ed25519: return type == "ed25519";
    case SignatureScheme::rsa_pss: return type == "rsa";
    case SignatureScheme::ecdsa_p256:
    case SignatureScheme::ecdsa_p384: return type == "ecdsa" || type == name_of(scheme);
    }
    return false;
}

std::string_view type_of(SignatureScheme scheme) {
    switch (scheme) {
    case SignatureScheme::ed25519: return "ed25519";
    case SignatureScheme::rsa_pss: return "rsa";
    default: return "ecdsa";
    }
}

std::string public_text_of(const VerifyingKey& key) { return key.scheme() == SignatureScheme::ed25519 ? to_hex(key.ed25519()) : key.pem(); }

// What is no key can sign nothing, and does no harm beside others.
std::optional<VerifyingKey> verifying_key(SignatureScheme scheme, const std::string& text, std::string_view id) try {
    if (scheme != SignatureScheme::ed25519) return VerifyingKey::from_pem(text, scheme, id);
    const auto point = from_hex(text);
    return point && point->size() == 32 ? std::optional(VerifyingKey::from_ed25519(*point, id)) : std::nullopt;
} catch (const Error&) {
    return std::nullopt;
}

} // namespace

Key read_key(const std::string& id, const Fields& fields) {
    const std::string &type = fields.text("keytype"), &scheme_name = fields.text("scheme"), &text = fields.object("keyval").text("public");
    Key key{.id = id, .value = fields.json()};
    const auto scheme = scheme_named(scheme_name);
    if (scheme && fits(type, *scheme)) key.key = verifying_key(*scheme, text, id);
    return key;
}

Key key_of(const VerifyingKey& key) {
    Json value{{"keytype", type_of(key.scheme())}, {"scheme", name_of(key.scheme())}, {"keyval", {{"public", public_text_of(key)}}}};
    std::string id = sha256(canonical_json(value)).hex();
    return {.id = std::move(id), .value = std::move(value), .key = key};
}

std::string id_of(const VerifyingKey& key) { return key_of(key).id; }

} // namespace ashlar::tuf

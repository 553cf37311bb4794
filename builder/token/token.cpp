#include <token/token.hpp>

#include "session.hpp"

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/raw_key.hpp>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace ashlar::token {

// ---- Uri ---------------------------------------------------------------------------------------

namespace {

Error bad_uri(std::string_view text, std::string_view cause, std::string hint) {
    return Error(fmt::format("cannot use '{}': {}", text, cause), std::move(hint));
}

// Where it is not understood, a PIN may be in what stands behind the question mark.
Error no_uri(std::string_view text, std::string_view cause) {
    const auto query = text.find('?');
    return bad_uri(query == text.npos ? std::string(text) : fmt::format("{}?…", text.substr(0, query)), cause, "write one such as pkcs11:token=ashlar;object=train-R1");
}

// p11-kit keeps unknown ones for vendors; to us they are mistakes.
bool knows_query(std::string_view text) {
    const auto query = text.find('?');
    if (query == text.npos) return true;
    return std::ranges::all_of(split(text.substr(query + 1), '&'), [](std::string_view one) {
        return one.starts_with("pin-source=") || one.starts_with("module-path=") || one.starts_with("module-name=");
    });
}

std::filesystem::path file_of(std::string_view source, std::string_view text) {
    constexpr std::string_view scheme = "file:";
    std::string_view path = source;
    if (path.starts_with(scheme)) path.remove_prefix(scheme.size());
    if (path.starts_with("//")) path.remove_prefix(2); // file:///run/pin
    if (path.empty() || path.starts_with('|')) throw bad_uri(text, "its pin-source is no file", "write pin-source=file:/path");
    return path;
}

} // namespace

Uri Uri::parse(std::string_view text) {
    Uri uri;
    uri.text_ = text;
    // Before anything that would quote it.
    if (text.find("pin-value") != text.npos)
        throw bad_uri("pkcs11:…", "there is a PIN in it, which everybody on this machine can read",
                      "leave pin-value out: the PIN is asked for, or read from --pin-file");
    if (!is_one(text)) throw no_uri(text, "it is no PKCS #11 URI");
    const UriHandle handle = parsed(uri.text_);
    if (!handle) throw no_uri(text, "it is no PKCS #11 URI");
    if (p11_kit_uri_any_unrecognized(handle.get()) != 0 || !knows_query(text)) throw no_uri(text, "it has an attribute that is not known");
    if (const CK_ATTRIBUTE* const kind = p11_kit_uri_get_attribute(handle.get(), CKA_CLASS); kind != nullptr && *static_cast<const CK_OBJECT_CLASS*>(kind->pValue) != CKO_PRIVATE_KEY)
        throw bad_uri(text, "it names something else than a private key", "write type=private, or no type");
    if (const char* const source = p11_kit_uri_get_pin_source(handle.get()); source != nullptr) uri.pin_file_ = file_of(source, text);
    return uri;
}

// ---- Public halves -----------------------------------------------------------------------------

namespace {

enum class Kind { ed25519, p256, p384, rsa };

// DER of the curve's object identifier; Ed25519 is named in three ways.
std::optional<Kind> kind_of_curve(ByteView parameters) {
    struct Curve {
        std::string_view hex;
        Kind kind;
    };
    constexpr Curve curves[] = {{"06082a8648ce3d030107", Kind::p256}, {"06052b81040022", Kind::p384}, {"06032b6570", Kind::ed25519},
                                {"06092b06010401da470f01", Kind::ed25519}, {"130c656477617264733235353139", Kind::ed25519}};
    const std::string hex = to_hex(parameters);
    const auto* const found = std::ranges::find(curves, hex, &Curve::hex);
    return found == std::end(curves) ? std::nullopt : std::optional(found->kind);
}

std::optional<Kind> kind_of(const Session& session, CK_OBJECT_HANDLE object) {
    switch (session.number(object, CKA_KEY_TYPE).value_or(CKK_VENDOR_DEFINED)) {
    case CKK_RSA: return Kind::rsa;
    case CKK_EC:
    case CKK_EC_EDWARDS: {
        const auto parameters = session.attribute(object, CKA_EC_PARAMS);
        return parameters ? kind_of_curve(*parameters) : std::nullopt;
    }
    default: return std::nullopt;
    }
}

SignatureScheme scheme_of(Kind kind) {
    switch (kind) {
    case Kind::ed25519: return SignatureScheme::ed25519;
    case Kind::p256: return SignatureScheme::ecdsa_p256;
    case Kind::p384: return SignatureScheme::ecdsa_p384;
    case Kind::rsa: break;
    }
    std::abort();
}

// PKCS #11 wants the point in an OCTET STRING; not all tokens do so. The sizes tell.
ByteView point_in(ByteView value, Kind kind) {
    const std::size_t size = kind == Kind::ed25519 ? 32 : kind == Kind::p256 ? 65 : 97;
    const bool wrapped = value.size() == size + 2 && value[0] == std::byte{0x04} && value[1] == static_cast<std::byte>(size);
    return wrapped ? value.subspan(2) : value;
}

// The public key that has the private one's id, as PKCS #11 wants it.
std::optional<CK_OBJECT_HANDLE> public_object(const Session& session, CK_OBJECT_HANDLE key) {
    auto id = session.attribute(key, CKA_ID);
    if (!id || id->empty()) return std::nullopt;
    CK_OBJECT_CLASS kind = CKO_PUBLIC_KEY;
    const auto found = session.find({{CKA_CLASS, &kind, sizeof kind}, {CKA_ID, id->data(), id->size()}});
    const auto type = session.number(key, CKA_KEY_TYPE);
    const auto fits = std::ranges::find_if(found, [&](CK_OBJECT_HANDLE one) { return session.number(one, CKA_KEY_TYPE) == type; });
    return fits == found.end() ? std::nullopt : std::optional(*fits);
}

std::optional<VerifyingKey> message_half(const Session& session, CK_OBJECT_HANDLE key, Kind kind, std::string_view name) {
    const auto half = public_object(session, key);
    const auto point = session.attribute(half.value_or(key), CKA_EC_POINT);
    if (!point || point->empty()) return std::nullopt;
    return key_from_point(scheme_of(kind), point_in(*point, kind), name);
}

std::optional<PublicKey> rsa_half(const Session& session, CK_OBJECT_HANDLE key, std::string_view name) {
    const auto half = public_object(session, key);
    for (const CK_OBJECT_HANDLE object : {key, half.value_or(key)}) {
        const auto modulus = session.attribute(object, CKA_MODULUS), exponent = session.attribute(object, CKA_PUBLIC_EXPONENT);
        if (modulus && exponent && !modulus->empty() && !exponent->empty()) return rsa_key(*modulus, *exponent, name);
    }
    return std::nullopt;
}

template <typename Half>
Half present(std::optional<Half> half, std::string_view name) {
    if (!half)
        throw Error(fmt::format("cannot use '{}': its public key is not in the token", name), "put the public key into the token, under the same id");
    return *std::move(half);
}

// ---- Signers -----------------------------------------------------------------------------------

// A key in an open session.
struct Place {
    std::shared_ptr<const Session> session;
    CK_OBJECT_HANDLE object;
    std::string name; // for messages
};

class TokenMessageSigner final : public MessageSigner {
public:
    TokenMessageSigner(Place place, Kind kind) : place_(std::move(place)), key_(present(message_half(*place_.session, place_.object, kind, place_.name), place_.name)) {}

    [[nodiscard]] VerifyingKey verifying_key() const override { return key_; }
    [[nodiscard]] Bytes sign(ByteView message) const override {
        const Bytes digest = digest_for(key_.scheme(), message);
        if (key_.scheme() == SignatureScheme::ed25519) return place_.session->sign(place_.object, CKM_EDDSA, digest, place_.name);
        return ecdsa_signature(place_.session->sign(place_.object, CKM_ECDSA, digest, place_.name));
    }

private:
    Place place_;
    VerifyingKey key_;
};

class TokenSigner final : public Signer {
public:
    explicit TokenSigner(Place place) : place_(std::move(place)), key_(present(rsa_half(*place_.session, place_.object, place_.name), place_.name)) {
        if (key_.bits() < 2048) throw Error(fmt::format("cannot use '{}': it is an RSA key of {} bits, not of 2048 or more", place_.name, key_.bits()));
    }

    [[nodiscard]] PublicKey public_key() const override { return key_; }
    [[nodiscard]] Bytes sign(const Digest& digest) const override {
        return place_.session->sign(place_.object, CKM_RSA_PKCS, digest_info(digest), place_.name);
    }

private:
    Place place_;
    PublicKey key_;
};

// ---- Finding -----------------------------------------------------------------------------------

std::vector<CK_OBJECT_HANDLE> private_keys(const Session& session, const Uri& uri) {
    const UriHandle handle = parsed(uri.text());
    CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
    std::vector<CK_ATTRIBUTE> wanted{{CKA_CLASS, &kind, sizeof kind}};
    for (const CK_ATTRIBUTE_TYPE type : {CKA_LABEL, CKA_ID})
        if (const CK_ATTRIBUTE* const one = p11_kit_uri_get_attribute(handle.get(), type)) wanted.push_back(*one);
    return session.find(wanted);
}

std::string labels_of(const Session& session) {
    CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
    std::vector<std::string> labels;
    for (const CK_OBJECT_HANDLE one : session.find({{CKA_CLASS, &kind, sizeof kind}})) labels.push_back(fmt::format("'{}'", session.label_of(one)));
    std::ranges::sort(labels);
    return labels.empty() ? "it has no private key" : fmt::format("it has {}", join(labels, ", "));
}

std::string id_of(const Session& session, CK_OBJECT_HANDLE object) {
    const auto id = session.attribute(object, CKA_ID);
    std::string text = "id=";
    for (const std::byte one : id.value_or(Bytes())) text += fmt::format("%{:02x}", std::to_integer<unsigned>(one));
    return text;
}

Place one_key(const Uri& uri, const Secret& pin) {
    auto session = std::make_shared<const Session>(uri, pin);
    const auto found = private_keys(*session, uri);
    if (found.empty())
        throw Error(fmt::format("cannot use '{}': the token '{}' has no such private key", uri.text(), session->token_label()), labels_of(*session));
    if (found.size() == 1) return {std::move(session), found.front(), uri.text()};
    std::vector<std::string> ids;
    for (const CK_OBJECT_HANDLE one : found) ids.push_back(id_of(*session, one));
    std::ranges::sort(ids);
    throw Error(fmt::format("cannot use '{}': {} private keys match it", uri.text(), found.size()), fmt::format("add one of these to it: {}", join(ids, ", ")));
}

Kind known_kind(const Place& place) {
    if (const auto kind = kind_of(*place.session, place.object)) return *kind;
    throw Error(fmt::format("cannot use '{}': it is neither an Ed25519, nor a P-256 or P-384, nor an RSA key", place.name));
}

std::string uri_of(const Session& session, CK_OBJECT_HANDLE object) {
    const UriHandle uri(p11_kit_uri_new());
    *p11_kit_uri_get_token_info(uri.get()) = session.token();
    CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE type{CKA_CLASS, &kind, sizeof kind};
    p11_kit_uri_set_attribute(uri.get(), &type);
    for (const CK_ATTRIBUTE_TYPE which : {CKA_LABEL, CKA_ID})
        if (auto value = session.attribute(object, which); value && !value->empty()) {
            CK_ATTRIBUTE attribute{which, value->data(), value->size()};
            p11_kit_uri_set_attribute(uri.get(), &attribute);
        }
    char* text = nullptr;
    if (p11_kit_uri_format(uri.get(), P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) != P11_KIT_URI_OK) return {};
    const std::unique_ptr<char, decltype([](char* p) { std::free(p); })> owner(text); // NOLINT: it is malloc's
    return text;
}

Entry entry_of(const Session& session, CK_OBJECT_HANDLE object) {
    Entry entry{.label = session.label_of(object), .uri = uri_of(session, object), .kind = "unknown"};
    const auto kind = kind_of(session, object);
    if (!kind) return entry;
    entry.kind = *kind == Kind::rsa ? "rsa-pkcs1v15-sha256" : std::string(name_of(scheme_of(*kind)));
    if (*kind == Kind::rsa) {
        if (const auto half = rsa_half(session, object, entry.uri)) entry.fingerprint = half->fingerprint();
    } else if (const auto half = message_half(session, object, *kind, entry.uri)) {
        entry.fingerprint = sha256(half->der());
    }
    return entry;
}

} // namespace

Key open_key(const Uri& uri, const Secret& pin) {
    Place place = one_key(uri, pin);
    const Kind kind = known_kind(place);
    if (kind == Kind::rsa) return std::make_shared<const TokenSigner>(std::move(place));
    return std::make_shared<const TokenMessageSigner>(std::move(place), kind);
}

std::unique_ptr<MessageSigner> open_message_signer(const Uri& uri, const Secret& pin) {
    Place place = one_key(uri, pin);
    const Kind kind = known_kind(place);
    if (kind == Kind::rsa)
        throw Error(fmt::format("cannot sign messages with '{}': it is an RSA key", uri.text()), "metadata wants an Ed25519, P-256 or P-384 key");
    return std::make_unique<TokenMessageSigner>(std::move(place), kind);
}

std::shared_ptr<const Signer> open_signer(const Uri& uri, const Secret& pin) {
    Place place = one_key(uri, pin);
    if (known_kind(place) != Kind::rsa)
        throw Error(fmt::format("cannot sign for firmware with '{}': it is no RSA key", uri.text()), "firmware verifies nothing else reliably");
    return std::make_shared<const TokenSigner>(std::move(place));
}

bool needs_pin(const Uri& uri) {
    const CK_FLAGS flags = token_info(uri).flags;
    return (flags & CKF_LOGIN_REQUIRED) != 0 && (flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0;
}

std::vector<Entry> list_keys(const Uri& uri, const Secret& pin) {
    const Session session(uri, pin);
    std::vector<Entry> entries;
    for (const CK_OBJECT_HANDLE one : private_keys(session, uri)) entries.push_back(entry_of(session, one));
    std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.label, entry.uri); });
    return entries;
}

} // namespace ashlar::token

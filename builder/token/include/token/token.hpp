#pragma once

// Keys in a PKCS #11 token: a smart card, an HSM, or SoftHSM. The private key never leaves it.
//
// A key is named by its URI (RFC 7512): `pkcs11:token=ashlar;object=train-R1`. Tokens are found through the modules that
// p11-kit is set up with (pkcs11.conf(5)), or in the one that `?module-path=` names. The public half must be in the token
// too, under the same id, as most tools put it there; an RSA key needs none.
//
//     key                       scheme                 mechanism
//     Ed25519                   ed25519                CKM_EDDSA (PKCS #11 3.0)
//     P-256, P-384              ecdsa-sha2-nistp…      CKM_ECDSA over the digest
//     RSA, 2048 bits or more    RSASSA-PKCS1-v1_5      CKM_RSA_PKCS over DigestInfo
//
// Not thread-safe. A signer keeps its session with the token, and its login, until it goes.

#include <signing/key.hpp>
#include <signing/message_key.hpp>
#include <signing/secret.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::token {

class Uri {
public:
    [[nodiscard]] static bool is_one(std::string_view text) { return text.starts_with("pkcs11:"); }
    // An Error for what is none, for attributes that are not known, for one with a PIN in it (which the Error does not quote),
    // and for one that names something else than a private key.
    [[nodiscard]] static Uri parse(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    // `pin-source=file:…`: where its PIN is. Nothing: it does not say.
    [[nodiscard]] const std::optional<std::filesystem::path>& pin_file() const noexcept { return pin_file_; }

private:
    std::string text_;
    std::optional<std::filesystem::path> pin_file_;
};

// What a key signs: messages, or digests for firmware.
using Key = std::variant<std::shared_ptr<const MessageSigner>, std::shared_ptr<const Signer>>;

// The one private key that `uri` names. An Error when the token or the key is not there, when several are, when the PIN is
// wrong, and when the key is of a kind that is not listed above.
[[nodiscard]] Key open_key(const Uri& uri, const Secret& pin);
// The same, for who needs one kind: an Error when it is the other.
[[nodiscard]] std::unique_ptr<MessageSigner> open_message_signer(const Uri& uri, const Secret& pin);
[[nodiscard]] std::shared_ptr<const Signer> open_signer(const Uri& uri, const Secret& pin);

// Whether the one token that `uri` names wants a PIN from us: some want none, some have a keyboard of their own.
[[nodiscard]] bool needs_pin(const Uri& uri);

struct Entry {
    std::string label; // as the token has it
    std::string uri;   // names this key and no other
    std::string kind;  // "ed25519", "ecdsa-sha2-nistp256", "rsa-pkcs1v15-sha256"; or "unknown"
    std::optional<Digest> fingerprint; // SHA-256 of the public key; nothing when it cannot be read
};
// All private keys of the one token that `uri` names, by label; what it says of objects narrows the list.
[[nodiscard]] std::vector<Entry> list_keys(const Uri& uri, const Secret& pin);

} // namespace ashlar::token

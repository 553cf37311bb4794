#pragma once

// Signing in two phases: who builds writes requests, who has a key answers them. The format: docs/formats/signing-request.md.
//
// A request holds the message itself, so that whoever signs sees what it is: its form is checked by its kind when it is made
// and when it is read, and describe() speaks of nothing else. One request has one text, and so has one answer.

#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ashlar::requests {

// A public key, for messages or for firmware.
using PublicHalf = std::variant<VerifyingKey, PublicKey>;
// SHA-256 of its SubjectPublicKeyInfo: how a request names it.
[[nodiscard]] Digest fingerprint(const PublicHalf& key);

// Whoever has the private half: a file, a token.
using Holder = std::variant<std::shared_ptr<const MessageSigner>, std::shared_ptr<const Signer>>;
[[nodiscard]] PublicHalf public_half(const Holder& holder);

enum class Kind {
    metadata,      // canonical JSON of release metadata (docs/formats/trust.md)
    authenticode,  // AuthenticodeRequest::message
    pcr_policy,    // PcrPolicy::policy
    uefi_variable, // message_of(VariableUpdate)
    confirmation,  // confirmation::message_of(): a release was built again (docs/formats/confirmation.md)
};
[[nodiscard]] std::string_view name_of(Kind kind); // "pcr-policy"

// As much as metadata may have (docs/formats/trust.md), and base64 of that with the rest.
inline constexpr std::size_t most_message_bytes = 5'000'000, most_request_bytes = std::size_t{8} << 20;
inline constexpr std::size_t most_answer_bytes = 65536;

struct SigningRequest {
    Kind kind;
    std::string subject; // what the one who asks calls it: 1 to 200 characters of printable ASCII
    std::string scheme;  // "ecdsa-sha2-nistp256"; for firmware "rsa-pkcs1v15-sha256"
    Digest key;          // fingerprint()
    std::string role;    // what the key is called: 1 to 64 of letters, digits, '.', '-' and '_'
    Bytes message;
    bool operator==(const SigningRequest&) const = default;
};
// The scheme is that of the key. An Error when the key is not one for that kind, or the message not one of it.
[[nodiscard]] SigningRequest make_request(Kind kind, std::string subject, const PublicHalf& key, std::string role, Bytes message);
// Checks it as parse_request() would.
[[nodiscard]] std::string text_of(const SigningRequest& request);
// An Error, `cannot read the signing request '<name>': …`, for anything but what text_of() writes.
[[nodiscard]] SigningRequest parse_request(std::string_view text, std::string_view name);

// What its message says, a line each, for whoever is to sign it; printable ASCII.
[[nodiscard]] std::vector<std::string> describe(const SigningRequest& request);

struct SigningAnswer {
    Digest request; // SHA-256 of the request's text
    Digest key;
    Bytes signature;
    bool operator==(const SigningAnswer&) const = default;
};
[[nodiscard]] std::string text_of(const SigningAnswer& answer);
[[nodiscard]] SigningAnswer parse_answer(std::string_view text, std::string_view name);

// `request`: the text of one, called `name` in messages. An Error when it asks for another key; what a token answers is
// checked before it is given.
[[nodiscard]] SigningAnswer make_answer(std::string_view request, const Holder& holder, std::string_view name);
// The signature, which is that of `key` over the request's message. An Error, `cannot use the answer '<name>': …`, when it is
// for another request, by another key, or not right.
[[nodiscard]] Bytes check_answer(std::string_view answer, std::string_view request, const PublicHalf& key, std::string_view name);

// ---- Files ---------------------------------------------------------------------------------------

// "x.answer.json" beside "x.request.json". An Error for another name.
[[nodiscard]] std::filesystem::path answer_path(const std::filesystem::path& request);
// Those of a directory, by name; or the file itself.
[[nodiscard]] std::vector<std::filesystem::path> request_files(const std::filesystem::path& place);
// The text of such a file. What is larger than it may be is read so far that the parser refuses it.
[[nodiscard]] std::string read_request(const std::filesystem::path& path);
[[nodiscard]] std::string read_answer(const std::filesystem::path& path);

} // namespace ashlar::requests

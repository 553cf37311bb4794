#include <requests/request.hpp>

#include "message.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/json.hpp>
#include <signing/base64.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace ashlar::requests {

namespace fs = std::filesystem;

namespace {

constexpr int format = 1;
constexpr std::string_view rsa_scheme = "rsa-pkcs1v15-sha256";
constexpr std::string_view request_end = ".request.json", answer_end = ".answer.json";

struct KindName {
    Kind kind;
    std::string_view name;
};
constexpr std::array kinds{KindName{Kind::metadata, "metadata"}, KindName{Kind::authenticode, "authenticode"}, KindName{Kind::pcr_policy, "pcr-policy"},
                           KindName{Kind::uefi_variable, "uefi-variable"}, KindName{Kind::confirmation, "confirmation"}};

// Firmware takes RSA and nothing else; metadata and confirmations are signed by the other three, and never by RSA.
bool fits(Kind kind, std::string_view scheme) {
    if (kind != Kind::metadata && kind != Kind::confirmation) return scheme == rsa_scheme;
    const auto known = scheme_named(scheme);
    return known && *known != SignatureScheme::rsa_pss;
}

std::string_view scheme_of(const PublicHalf& key) {
    const auto* const message_key = std::get_if<VerifyingKey>(&key);
    return message_key != nullptr ? name_of(message_key->scheme()) : rsa_scheme;
}

bool is_subject(std::string_view text) {
    return !text.empty() && text.size() <= 200 && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_role(std::string_view text) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'; };
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

// What stands inside; the cause alone.
void check(const SigningRequest& request) {
    if (!is_subject(request.subject)) throw Error("'subject' is not 1 to 200 characters of printable ASCII");
    if (!is_role(request.role)) throw Error("'role' is not 1 to 64 letters, digits, '.', '-' and '_'");
    if (!fits(request.kind, request.scheme)) throw Error(fmt::format("'{}' is no scheme for {}", printable(request.scheme), name_of(request.kind)));
    if (request.message.empty() || request.message.size() > most_message_bytes) throw Error(fmt::format("its message has {} bytes, not 1 to {}", request.message.size(), most_message_bytes));
    (void)read_message(request);
}

std::string written(const SigningRequest& request) {
    return pretty(Json{{"format", format},
                       {"kind", name_of(request.kind)},
                       {"subject", request.subject},
                       {"scheme", request.scheme},
                       {"key", request.key.hex()},
                       {"role", request.role},
                       {"message", base64(request.message)}});
}

// ---- Reading -----------------------------------------------------------------------------------

// An object of which every key is asked for, and no other is there. Errors are the cause alone.
class Object {
public:
    explicit Object(const Json& json) : json_(json) {
        if (!json.is_object()) throw Error("it is not an object");
        for (const auto& [key, value] : json.items()) left_.insert(key);
    }
    [[nodiscard]] const Json& at(const char* key) {
        left_.erase(key);
        const auto found = json_.find(key);
        if (found == json_.end()) throw Error(fmt::format("'{}' is missing", key));
        return *found;
    }
    [[nodiscard]] const std::string& text(const char* key) {
        const Json& value = at(key);
        if (!value.is_string()) throw Error(fmt::format("'{}' is no text", key));
        return value.get_ref<const std::string&>();
    }
    [[nodiscard]] Digest digest(const char* key) {
        const auto found = Digest::from_hex(text(key));
        if (!found) throw Error(fmt::format("'{}' is no SHA-256 digest", key));
        return *found;
    }
    [[nodiscard]] Bytes bytes(const char* key) {
        auto found = from_base64(text(key), most_request_bytes);
        if (!found) throw Error(fmt::format("'{}' is no base64", key));
        return *std::move(found);
    }
    void known_format() {
        const Json& value = at("format");
        if (value != Json(format)) throw Error(fmt::format("its format is {}, this program reads {}", printable(value.dump()), format));
    }
    void finish() const {
        if (!left_.empty()) throw Error(fmt::format("unknown key '{}'", printable(*left_.begin())));
    }

private:
    const Json& json_;
    std::set<std::string, std::less<>> left_;
};

Json parsed(std::string_view text, std::size_t most) {
    if (text.size() > most) throw Error(fmt::format("it has more than {} bytes", most));
    try {
        return parse_json(text, "it");
    } catch (const Error&) {
        throw Error("it is not JSON");
    }
}

Kind kind_named(std::string_view name) {
    const auto found = std::ranges::find(kinds, name, &KindName::name);
    if (found == kinds.end()) throw Error(fmt::format("'{}' is no kind of request", printable(name)));
    return found->kind;
}

SigningRequest request_in(std::string_view text) {
    const Json json = parsed(text, most_request_bytes);
    Object object(json);
    object.known_format();
    SigningRequest request{kind_named(object.text("kind")), object.text("subject"), object.text("scheme"), object.digest("key"), object.text("role"), object.bytes("message")};
    object.finish();
    check(request);
    if (written(request) != text) throw Error("it is not in the one form that it may have");
    return request;
}

SigningAnswer answer_in(std::string_view text) {
    const Json json = parsed(text, most_answer_bytes);
    Object object(json);
    object.known_format();
    SigningAnswer answer{object.digest("request"), object.digest("key"), object.bytes("signature")};
    object.finish();
    if (text_of(answer) != text) throw Error("it is not in the one form that it may have");
    return answer;
}

// Causes become sentences.
template <typename Body>
auto saying(std::string_view what, std::string_view name, std::string_view hint, Body&& body) {
    try {
        return body();
    } catch (const Error& cause) {
        throw Error(fmt::format("cannot {} '{}': {}", what, name, cause.message()), std::string(hint));
    }
}

std::string bounded(const fs::path& path, std::size_t most) {
    const Fd fd = open_file(path, O_RDONLY);
    std::string text(most + 1, '\0');
    std::size_t size = 0;
    while (const std::size_t got = read_some(fd.get(), std::as_writable_bytes(std::span(text).subspan(size)), path.native())) size += got;
    text.resize(size);
    return text;
}

} // namespace

// ---- Keys --------------------------------------------------------------------------------------

std::string_view name_of(Kind kind) { return std::ranges::find(kinds, kind, &KindName::kind)->name; }

Digest fingerprint(const PublicHalf& key) {
    return std::visit([](const auto& one) { return sha256(one.der()); }, key);
}

PublicHalf public_half(const Holder& holder) {
    if (const auto* const signer = std::get_if<std::shared_ptr<const MessageSigner>>(&holder)) return (*signer)->verifying_key();
    return std::get<std::shared_ptr<const Signer>>(holder)->public_key();
}

namespace {

Bytes sign(const Holder& holder, ByteView message) {
    if (const auto* const signer = std::get_if<std::shared_ptr<const MessageSigner>>(&holder)) return (*signer)->sign(message);
    return std::get<std::shared_ptr<const Signer>>(holder)->sign(sha256(message));
}

bool verifies(const PublicHalf& key, ByteView message, ByteView signature) {
    if (const auto* const message_key = std::get_if<VerifyingKey>(&key)) return message_key->verifies(message, signature);
    return std::get<PublicKey>(key).verifies(sha256(message), signature);
}

} // namespace

// ---- Requests ----------------------------------------------------------------------------------

SigningRequest make_request(Kind kind, std::string subject, const PublicHalf& key, std::string role, Bytes message) {
    SigningRequest request{kind, std::move(subject), std::string(scheme_of(key)), fingerprint(key), std::move(role), std::move(message)};
    saying("make the signing request", printable(request.subject), "", [&] { check(request); });
    return request;
}

std::string text_of(const SigningRequest& request) {
    saying("write the signing request", printable(request.subject), "", [&] { check(request); });
    return written(request);
}

SigningRequest parse_request(std::string_view text, std::string_view name) {
    return saying("read the signing request", name, "ask for it again where it comes from", [&] { return request_in(text); });
}

std::vector<std::string> describe(const SigningRequest& request) { return read_message(request); }

// ---- Answers -----------------------------------------------------------------------------------

std::string text_of(const SigningAnswer& answer) {
    return pretty(Json{{"format", format}, {"request", answer.request.hex()}, {"key", answer.key.hex()}, {"signature", base64(answer.signature)}});
}

SigningAnswer parse_answer(std::string_view text, std::string_view name) {
    return saying("read the signing answer", name, "sign the request again", [&] { return answer_in(text); });
}

SigningAnswer make_answer(std::string_view text, const Holder& holder, std::string_view name) {
    const SigningRequest request = parse_request(text, name);
    const PublicHalf key = public_half(holder);
    if (request.key != fingerprint(key) || request.scheme != scheme_of(key))
        throw Error(fmt::format("cannot answer the signing request '{}': it asks for another key, {} {}", name, request.role, request.key.hex()), "name that key");
    SigningAnswer answer{sha256(text), request.key, sign(holder, request.message)};
    if (!verifies(key, request.message, answer.signature))
        throw Error(fmt::format("cannot answer the signing request '{}': what the key gave is not its signature", name), "does its public half in the token belong to it?");
    return answer;
}

Bytes check_answer(std::string_view answer_text, std::string_view request_text, const PublicHalf& key, std::string_view name) {
    SigningAnswer answer = parse_answer(answer_text, name);
    const SigningRequest request = parse_request(request_text, fmt::format("{} is for", name));
    const auto refuse = [&](const std::string& cause) { return Error(fmt::format("cannot use the answer '{}': {}", name, cause), "sign the request again"); };
    if (request.key != fingerprint(key) || request.scheme != scheme_of(key))
        throw refuse(fmt::format("its request asks for the key {}, not {}", request.key.hex(), fingerprint(key).hex()));
    if (answer.request != sha256(request_text)) throw refuse("it is for another request, or the request was changed");
    if (answer.key != request.key) throw refuse(fmt::format("it is by the key {}, not {}", answer.key.hex(), request.key.hex()));
    if (!verifies(key, request.message, answer.signature)) throw refuse("its signature is not right");
    return std::move(answer.signature);
}

// ---- Files -------------------------------------------------------------------------------------

fs::path answer_path(const fs::path& request) {
    const std::string name = request.filename().native();
    if (!name.ends_with(request_end) || name.size() == request_end.size())
        throw Error(fmt::format("cannot use the signing request '{}': its name does not end in {}", request.native(), request_end));
    return request.parent_path() / fmt::format("{}{}", std::string_view(name).substr(0, name.size() - request_end.size()), answer_end);
}

std::vector<fs::path> request_files(const fs::path& place) {
    if (!fs::is_directory(place)) return {place};
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(place))
        if (entry.path().native().ends_with(request_end)) found.push_back(entry.path());
    std::ranges::sort(found);
    return found;
}

std::string read_request(const fs::path& path) { return bounded(path, most_request_bytes); }
std::string read_answer(const fs::path& path) { return bounded(path, most_answer_bytes); }

} // namespace ashlar::requests

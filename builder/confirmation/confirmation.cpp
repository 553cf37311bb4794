#include <confirmation/confirmation.hpp>

#include <base/error.hpp>
#include <base/text.hpp>
#include <signing/bytes.hpp>

#include <algorithm>
#include <optional>
#include <tuple>

#include <fmt/format.h>

namespace ashlar::confirmation {

namespace {

constexpr int format = 1;
constexpr std::string_view type = "confirmation", algorithm = "sha256:", file_begin = "confirmation.", file_end = ".json";

Error refusal(std::string_view name, std::string_view cause) { return Error(fmt::format("cannot use the confirmation '{}': {}", name, cause), "ask whoever built the release again for another one"); }

// They are shown on terminals.
bool is_word(std::string_view text) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '+' || c == '~'; };
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

std::string with_algorithm(const Digest& digest) { return fmt::format("{}{}", algorithm, digest.hex()); }

auto order_of(const Image& image) { return std::tie(image.role, image.architecture); }

void check(const Confirmation& confirmation, std::string_view name) {
    if (confirmation.key.scheme() == SignatureScheme::rsa_pss) throw refusal(name, "its key is neither Ed25519 nor P-256 nor P-384");
    if (!is_word(confirmation.ashlar)) throw refusal(name, "its version of ashlar is none");
    if (confirmation.images.empty()) throw refusal(name, "it names no image");
    for (const auto& image : confirmation.images)
        if (!is_word(image.role) || !is_word(image.architecture)) throw refusal(name, "a role or an architecture has no name that it may have");
    const auto before = [](const Image& a, const Image& b) { return order_of(a) >= order_of(b); };
    if (std::ranges::adjacent_find(confirmation.images, before) != confirmation.images.end()) throw refusal(name, "its images are not sorted by role and architecture, each once");
}

Json json_of(const Image& image) {
    return {{"role", image.role}, {"architecture", image.architecture}, {"root_hash", with_algorithm(image.root_hash)}, {"uki", with_algorithm(image.uki)}};
}

Json written(const Confirmation& confirmation) {
    Json images = Json::array();
    for (const auto& image : confirmation.images) images.push_back(json_of(image));
    return {{"_type", type},
            {"format", format},
            {"release", to_text(confirmation.release)},
            {"release_document", with_algorithm(confirmation.document)},
            {"images", std::move(images)},
            {"ashlar", confirmation.ashlar},
            {"issued", tuf::text_of(confirmation.issued)},
            {"key", {{"scheme", name_of(confirmation.key.scheme())}, {"public", to_hex(confirmation.key.der())}}}};
}

// ---- Reading: what is not as it is written is seen when it is written again -----------------------

template <typename Value> Value demand(std::optional<Value> value, std::string_view name, std::string_view key) {
    if (!value) throw refusal(name, fmt::format("'{}' is none", key));
    return *std::move(value);
}

Digest digest_in(const Json& json, const char* key, std::string_view name) {
    const std::string_view text = json.at(key).get_ref<const std::string&>();
    return demand(text.starts_with(algorithm) ? Digest::from_hex(text.substr(algorithm.size())) : std::nullopt, name, key);
}

Image image_in(const Json& json, std::string_view name) {
    return {.role = json.at("role").get<std::string>(), .architecture = json.at("architecture").get<std::string>(), .root_hash = digest_in(json, "root_hash", name), .uki = digest_in(json, "uki", name)};
}

VerifyingKey key_in(const Json& json, std::string_view name) {
    const auto scheme = demand(scheme_named(json.at("scheme").get_ref<const std::string&>()), name, "scheme");
    return VerifyingKey::from_der(demand(from_hex(json.at("public").get_ref<const std::string&>()), name, "public"), scheme, name);
}

Confirmation read(const Json& json, std::string_view name) {
    if (json.at("_type") != type) throw refusal(name, "it is something else");
    if (json.at("format") != format) throw refusal(name, fmt::format("this program reads format {} and no other", format));
    Confirmation read{.release = demand(parse_release_version(json.at("release").get_ref<const std::string&>()), name, "release"),
                      .document = digest_in(json, "release_document", name),
                      .images = {},
                      .ashlar = json.at("ashlar").get<std::string>(),
                      .issued = demand(tuf::time_of(json.at("issued").get_ref<const std::string&>()), name, "issued"),
                      .key = key_in(json.at("key"), name)};
    for (const Json& image : json.at("images")) read.images.push_back(image_in(image, name));
    return read;
}

} // namespace

std::vector<Image> images_of(const ClusterRelease& release) {
    std::vector<Image> images;
    for (const auto& image : release.images) images.push_back({.role = image.role, .architecture = image.architecture, .root_hash = image.index.root_hash, .uki = image.index.uki_digest});
    std::ranges::sort(images, {}, order_of);
    return images;
}

Json json_of(const Confirmation& confirmation) {
    check(confirmation, to_text(confirmation.release));
    return written(confirmation);
}

std::string message_of(const Confirmation& confirmation) { return tuf::canonical_json(json_of(confirmation)); }

Confirmation confirmation_of(const Json& json, std::string_view name) {
    try {
        Confirmation read = confirmation::read(json, name);
        check(read, name);
        if (written(read) == json) return read;
    } catch (const Json::exception&) { // a member is missing, or of another type
    }
    throw refusal(name, "it has not the members of a confirmation, and no others");
}

Confirmation read_message(std::string_view message, std::string_view name) {
    Confirmation read = confirmation_of(parse_strict_json(message, name), name);
    if (message_of(read) != message) throw refusal(name, "it is not canonical JSON");
    return read;
}

std::vector<std::string> describe(const Confirmation& confirmation) {
    std::vector<std::string> lines{fmt::format("release {} was built again and is the same bytes, says ashlar {}, {}", to_text(confirmation.release), confirmation.ashlar, tuf::text_of(confirmation.issued)),
                                   fmt::format("release.json: {}", with_algorithm(confirmation.document)),
                                   fmt::format("signed by the key {} ({})", key_id(confirmation.key).hex(), name_of(confirmation.key.scheme()))};
    for (const auto& image : confirmation.images) {
        lines.push_back(fmt::format("image {} {}: root hash {}", image.role, image.architecture, with_algorithm(image.root_hash)));
        lines.push_back(fmt::format("image {} {}: UKI {}", image.role, image.architecture, with_algorithm(image.uki)));
    }
    return lines;
}

std::string text_of(const Confirmation& confirmation, Bytes signature) {
    return tuf::text_of({.signed_part = json_of(confirmation), .signatures = {{key_id(confirmation.key).hex(), std::move(signature)}}});
}

Confirmation parse(std::string_view text, std::string_view name) {
    if (text.size() > most_bytes) throw refusal(name, fmt::format("it has more than {} bytes", most_bytes));
    const tuf::Envelope envelope = tuf::parse_envelope(text, name);
    Confirmation read = confirmation_of(envelope.signed_part, name);
    if (envelope.signatures.size() != 1 || envelope.signatures.front().key_id != key_id(read.key).hex()) throw refusal(name, "it is not signed once, by the key that it names");
    const std::string message = message_of(read);
    if (!read.key.verifies(bytes_of(message), envelope.signatures.front().bytes)) throw refusal(name, "its signature is not right");
    if (tuf::text_of(envelope) != text) throw refusal(name, "it is not in the one form that it may have");
    return read;
}

Digest key_id(const VerifyingKey& key) { return sha256(key.der()); }

std::string file_name_of(const VerifyingKey& key) { return fmt::format("{}{}{}", file_begin, key_id(key).hex(), file_end); }

std::optional<Digest> key_id_in(std::string_view name) {
    if (!name.starts_with(file_begin) || !name.ends_with(file_end) || name.size() <= file_begin.size() + file_end.size()) return std::nullopt;
    return Digest::from_hex(name.substr(file_begin.size(), name.size() - file_begin.size() - file_end.size()));
}

} // namespace ashlar::confirmation

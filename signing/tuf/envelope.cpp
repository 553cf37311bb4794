#include "fields.hpp"

#include <base/text.hpp>

#include <set>

#include <fmt/format.h>

namespace ashlar::tuf {

namespace {

Json parsed(std::string_view text, std::string_view name) try {
    return parse_strict_json(text, name);
} catch (const Error& error) {
    throw MetadataError(Fault::malformed, error.message(), "is it release metadata, and complete?");
}

Signature read_signature(const Fields& fields) { return {fields.text("keyid"), from_hex(fields.text("sig")).value_or(Bytes{})}; }

} // namespace

std::string Envelope::type() const {
    const auto type = signed_part.find("_type");
    return type != signed_part.end() && type->is_string() ? type->get<std::string>() : "";
}

Envelope parse_envelope(std::string_view text, std::string_view name) {
    Json json = parsed(text, name);
    const Fields top(json, name, "the file");
    Envelope envelope;
    std::set<std::string, std::less<>> ids;
    for (const Json& each : top.list("signatures")) {
        envelope.signatures.push_back(read_signature(Fields(each, name, "signatures")));
        if (!ids.insert(envelope.signatures.back().key_id).second) throw malformed(name, fmt::format("the key '{}' has signed it twice", envelope.signatures.back().key_id));
    }
    (void)top.object("signed");
    envelope.signed_part = std::move(json["signed"]);
    return envelope;
}

void add_signature(Envelope& envelope, const VerifyingKey& key, Bytes signature) {
    std::string id = id_of(key);
    std::erase_if(envelope.signatures, [&](const Signature& each) { return each.key_id == id; });
    envelope.signatures.push_back({std::move(id), std::move(signature)});
}

void sign(Envelope& envelope, const MessageSigner& signer) { add_signature(envelope, signer.verifying_key(), signer.sign(bytes_of(envelope.signed_bytes()))); }

std::string text_of(const Envelope& envelope) {
    Json signatures = Json::array();
    for (const auto& signature : envelope.signatures) signatures.push_back({{"keyid", signature.key_id}, {"sig", to_hex(signature.bytes)}});
    return pretty({{"signatures", std::move(signatures)}, {"signed", envelope.signed_part}});
}

} // namespace ashlar::tuf

#include <image/published_signer.hpp>

#include <base/error.hpp>
#include <base/json.hpp>
#include <base/text.hpp>
#include <signing/authenticode.hpp>
#include <signing/base64.hpp>
#include <signing/uki.hpp>

#include <fmt/format.h>

namespace ashlar::image {

namespace {

Error refusal(std::string_view name, std::string_view cause) {
    return Error(fmt::format("cannot take the signatures of '{}': {}", name, cause), "it is not a UKI as `ashlar build` makes it");
}

AuthenticodeSignature only_signature(ByteView uki, std::string_view name) {
    auto all = read_authenticode(uki, name);
    if (all.size() != 1) throw refusal(name, fmt::format("it has {} Authenticode signatures, not one", all.size()));
    return std::move(all.front());
}

PublicKey pcr_key_in(const UkiContents& uki, std::string_view name) {
    if (!uki.pcr_key) throw refusal(name, "it has no .pcrpkey");
    return PublicKey::from_pem(*uki.pcr_key, fmt::format("{}: .pcrpkey", name));
}

// docs/formats/uki.md, "PCR 11". What is no entry of that form is a signature of nothing.
std::map<Bytes, Bytes> policies_in(const UkiContents& uki, std::string_view name) {
    if (!uki.pcr_signatures) throw refusal(name, "it has no .pcrsig");
    std::map<Bytes, Bytes> found;
    const Json json = parse_json(*uki.pcr_signatures, fmt::format("{}: .pcrsig", name));
    try {
        for (const Json& entry : json.at("sha256")) {
            const auto policy = from_hex(entry.at("pol").get<std::string>());
            const auto signature = from_base64(entry.at("sig").get<std::string>());
            if (policy && signature) found.insert_or_assign(*policy, *signature);
        }
    } catch (const Json::exception&) {
        throw refusal(name, "its .pcrsig does not say what one says");
    }
    return found;
}

} // namespace

PublishedSigner::PublishedSigner(ByteView uki, std::string_view name)
    : certificate_(only_signature(uki, name).signer), pcr_key_(pcr_key_in(read_uki(uki, name), name)), authenticode_(only_signature(uki, name).signature), policies_(policies_in(read_uki(uki, name), name)) {}

std::optional<Bytes> PublishedSigner::signature_of(ImageSignature what, const Bytes& message) const {
    const Digest digest = sha256(message);
    if (what == ImageSignature::authenticode) return certificate_.public_key().verifies(digest, authenticode_) ? std::optional(authenticode_) : std::nullopt;
    const auto found = policies_.find(message);
    return found != policies_.end() && pcr_key_.verifies(digest, found->second) ? std::optional(found->second) : std::nullopt;
}

std::optional<std::vector<Bytes>> PublishedSigner::sign(ImageSignature what, const std::string&, const std::vector<Bytes>& messages) const {
    std::vector<Bytes> signatures;
    for (const auto& message : messages) {
        auto signature = signature_of(what, message);
        if (!signature) return std::nullopt;
        signatures.push_back(*std::move(signature));
    }
    return signatures;
}

} // namespace ashlar::image

#include <tuf/trusted.hpp>

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace ashlar::tuf {

namespace {

const Signature* signature_by(const Envelope& envelope, std::string_view key_id) {
    const auto found = std::ranges::find(envelope.signatures, key_id, &Signature::key_id);
    return found == envelope.signatures.end() ? nullptr : &*found;
}

// The key, when there is one of this id that has signed the bytes.
const VerifyingKey* signer(const Envelope& envelope, ByteView bytes, const Keys& keys, const std::string& id) {
    const auto key = keys.find(id);
    const Signature* const signature = signature_by(envelope, id);
    if (key == keys.end() || !key->second.key || signature == nullptr) return nullptr;
    return key->second.key->verifies(bytes, signature->bytes) ? &*key->second.key : nullptr;
}

} // namespace

void verify_threshold(const Envelope& envelope, const Role& role, const Keys& keys, std::string_view name) {
    const std::string bytes = envelope.signed_bytes();
    std::set<Bytes> signers;
    for (const auto& id : role.key_ids)
        if (const auto* key = signer(envelope, bytes_of(bytes), keys, id)) signers.insert(key->der());
    if (signers.size() >= std::max<std::uint64_t>(role.threshold, 1)) return;
    throw MetadataError(Fault::threshold, fmt::format("cannot trust '{}': {} of the {} keys that must sign it have", name, signers.size(), role.threshold),
                        "get it again from where releases come from; if it is the same there, tell whoever signs them");
}

} // namespace ashlar::tuf

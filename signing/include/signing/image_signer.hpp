#pragma once

// Who signs what a build makes. The keys may be at hand, or the signatures come from elsewhere: then a build ends where they are
// wanted, and is done again when they are there. What is signed has the same bytes either way.

#include <signing/bytes.hpp>
#include <signing/key.hpp>
#include <signing/key_set.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ashlar {

enum class ImageSignature {
    authenticode, // by the key of the certificate: over AuthenticodeRequest::message
    pcr_policy,   // by the PCR key: over PcrPolicy::policy
};

class ImageSigner {
public:
    virtual ~ImageSigner() = default;
    [[nodiscard]] virtual const Certificate& certificate() const = 0; // of db
    [[nodiscard]] virtual const PublicKey& pcr_key() const = 0;
    // One signature per message, RSASSA-PKCS1-v1_5 over SHA-256, in their order; nothing while some are wanted, and then all of
    // them have been asked for. `subject` says in words what they are for: "R1.0 compute: UKI".
    [[nodiscard]] virtual std::optional<std::vector<Bytes>> sign(ImageSignature what, const std::string& subject,
                                                                 const std::vector<Bytes>& messages) const = 0;
};

// The private keys that this process has; what another one would have to sign is wanted for ever.
class KeysAtHand final : public ImageSigner {
public:
    explicit KeysAtHand(BuildKeys keys) : keys_(std::move(keys)) {}

    [[nodiscard]] const Certificate& certificate() const override { return keys_.db; }
    [[nodiscard]] const PublicKey& pcr_key() const override { return keys_.pcr; }
    [[nodiscard]] std::optional<std::vector<Bytes>> sign(ImageSignature what, const std::string& subject,
                                                         const std::vector<Bytes>& messages) const override;

private:
    BuildKeys keys_;
};

} // namespace ashlar

#pragma once

// For whoever builds a UKI again without its keys: a signature can be moved from the one that was published to one that is the
// same but for that signature. It gives no other.

#include <signing/image_signer.hpp>

#include <map>
#include <string_view>

namespace ashlar::image {

class PublishedSigner final : public ImageSigner {
public:
    // An Error when it is no UKI, has no .pcrpkey or .pcrsig, or is not signed just once.
    PublishedSigner(ByteView uki, std::string_view name);

    // Those that the UKI names. What they are worth is said by whoever says that this UKI was published.
    [[nodiscard]] const Certificate& certificate() const override { return certificate_; }
    [[nodiscard]] const PublicKey& pcr_key() const override { return pcr_key_; }
    // Nothing unless the published signatures are right over just these messages.
    [[nodiscard]] std::optional<std::vector<Bytes>> sign(ImageSignature what, const std::string& subject, const std::vector<Bytes>& messages) const override;

private:
    [[nodiscard]] std::optional<Bytes> signature_of(ImageSignature what, const Bytes& message) const;

    Certificate certificate_;
    PublicKey pcr_key_;
    Bytes authenticode_;
    std::map<Bytes, Bytes> policies_; // policy → signature
};

} // namespace ashlar::image

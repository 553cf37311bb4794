#include <signing/image_signer.hpp>

namespace ashlar {

std::optional<std::vector<Bytes>> KeysAtHand::sign(ImageSignature what, const std::string& /*subject*/, const std::vector<Bytes>& messages) const {
    const auto& signer = what == ImageSignature::authenticode ? keys_.db_key : keys_.pcr_key;
    if (!signer) return std::nullopt;
    std::vector<Bytes> signatures;
    for (const Bytes& message : messages) signatures.push_back(signer->sign(sha256(message)));
    return signatures;
}

} // namespace ashlar

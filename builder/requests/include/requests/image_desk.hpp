#pragma once

// Signatures of images by keys that are elsewhere: a directory in which a build leaves its requests and finds the answers when it
// is done again. docs/formats/signing-request.md.
//
//     <directory>/image_R1.0_compute_PCR-policies.1.request.json, .answer.json, …
//     <directory>/image_R1.0_compute_UKI.request.json
//     <directory>/image_R1.0_systemd-boot.request.json

#include <signing/image_signer.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::requests {

// One signature that is wanted; a build asks for several with the same subject.
struct WantedSignature {
    std::string subject; // "R1.0 compute: PCR policies"
    std::string key;     // "pcr"
    std::filesystem::path request;
};

class ImageDesk final : public ImageSigner {
public:
    // `directory` need not be there. Keys that are at hand sign without asking.
    ImageDesk(std::filesystem::path directory, BuildKeys keys) : directory_(std::move(directory)), at_hand_(std::move(keys)) {}

    [[nodiscard]] const Certificate& certificate() const override { return at_hand_.certificate(); }
    [[nodiscard]] const PublicKey& pcr_key() const override { return at_hand_.pcr_key(); }

    // `subject`: "<release> <role>: <what>" or "<release>: <what>". A request that is there with other bytes is replaced and its
    // answer goes; an answer that is not right is an Error, and stays for whoever looks into it.
    [[nodiscard]] std::optional<std::vector<Bytes>> sign(ImageSignature what, const std::string& subject, const std::vector<Bytes>& messages) const override;

    // What this object has asked for and not got, in the order of the files' names.
    [[nodiscard]] std::vector<WantedSignature> wanted() const;
    // Removes what is there of `whose` ("R1.0", "R1.0 compute") and was not asked for by this object, answers too: nobody is to
    // sign what an earlier build wanted.
    void remove_others(std::string_view whose) const;

private:
    struct Asked {
        std::string text; // of the request
        std::optional<WantedSignature> wanted;
    };
    std::optional<Bytes> take_or_ask(ImageSignature what, const std::string& subject, const Bytes& message, const std::filesystem::path& file) const;

    std::filesystem::path directory_;
    KeysAtHand at_hand_;
    mutable std::map<std::filesystem::path, Asked> asked_;
};

// How many requests of images wait in a directory, by release and by the names of files alone: what they say, and whether an
// answer is right, is looked at where they are taken.
struct WaitingImages {
    std::string release; // "R1.0"
    std::size_t requests = 0, answered = 0;
};
[[nodiscard]] std::vector<WaitingImages> waiting_images(const std::filesystem::path& directory);
// Of a release that is cut, or given up.
void remove_image_requests(const std::filesystem::path& directory, std::string_view release);

} // namespace ashlar::requests

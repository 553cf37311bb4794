#pragma once

// What firmware is told of a train's releases that nobody is to start any more: an update of dbx with the Authenticode digests of
// their UKIs, a target of the train. docs/formats/trust.md, "Revocations that firmware obeys".
//
// It is signed by KEK, which is no key of metadata and often is elsewhere: then there is a request among the desk's,
// "dbx-R1.KEK.request.json", and the update is published when its answer has come.

#include <releases/office.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace ashlar::releases {

// What firmware gives for each image: a digest and whose it is.
inline constexpr std::size_t bytes_per_image = 48;

// "trains/R1/revoked/dbx-append.auth"
[[nodiscard]] std::string revocation_path(const std::string& train);

// Of all releases that are revoked or below the floor, of all roles, whatever their channel: each was signed and published. Sorted.
[[nodiscard]] std::vector<Digest> forbidden_images(const Office& office, const std::string& train);

struct FirmwareRevocation {
    std::string train;
    std::size_t images = 0;
    enum class State {
        nothing,  // no release is revoked
        complete, // the update names just these images, or will when the train's role has signed
        asked,    // KEK must sign it
    } state = State::nothing;
    std::filesystem::path request; // when it is asked for
};

// By what is published or proposed. Takes an answer to the request, signs with KEK.key where it lies in `keys` and is not
// encrypted, or asks. `keys`: the directory with KEK.pem and owner.
FirmwareRevocation revoke_in_firmware(const Office& office, const std::string& train, const std::filesystem::path& keys, Time now);

// The same for each train that has asked and not got its answer.
std::vector<FirmwareRevocation> take_firmware_answers(const Office& office, const std::filesystem::path& keys, Time now);

} // namespace ashlar::releases

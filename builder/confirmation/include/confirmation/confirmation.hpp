#pragma once

// Somebody has built a release again, without its keys, and got the same bytes: docs/formats/confirmation.md.
//
// A confirmation names the key that signs it and is verified by that key when it is read. Whose key that is, and whether it
// counts, is the policy's matter (<authority/policy.hpp>).

#include <base/json.hpp>
#include <base/release_version.hpp>
#include <signing/cluster_release.hpp>
#include <signing/digest.hpp>
#include <signing/message_key.hpp>
#include <tuf/metadata.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::confirmation {

inline constexpr std::size_t most_bytes = 262'144; // of a file

struct Image {
    std::string role, architecture;
    Digest root_hash;
    Digest uki; // SHA-256 of the signed file
    bool operator==(const Image&) const = default;
};
// What a confirmation of the release has to say of its images.
[[nodiscard]] std::vector<Image> images_of(const ClusterRelease& release);

struct Confirmation {
    ReleaseVersion release;
    Digest document;           // SHA-256 of release.json
    std::vector<Image> images; // all of them: by role, then architecture
    std::string ashlar;        // version of the program that built them again
    Time issued;
    VerifyingKey key;
    bool operator==(const Confirmation&) const = default;
};

// What is signed, and its canonical JSON. Errors for what the readers below would refuse.
[[nodiscard]] Json json_of(const Confirmation& confirmation);
[[nodiscard]] std::string message_of(const Confirmation& confirmation);
// An Error unless it is json_of() of something; `name` is for messages.
[[nodiscard]] Confirmation confirmation_of(const Json& json, std::string_view name);
// Of the bytes themselves, which must be in the one form that they may have.
[[nodiscard]] Confirmation read_message(std::string_view message, std::string_view name);
// A line each, for whoever is to sign it; printable ASCII.
[[nodiscard]] std::vector<std::string> describe(const Confirmation& confirmation);

// The file: an envelope with the one signature of its key, which is checked. One confirmation with one signature has one text.
[[nodiscard]] std::string text_of(const Confirmation& confirmation, Bytes signature);
// Throws `cannot use the confirmation '<name>': …` for everything else.
[[nodiscard]] Confirmation parse(std::string_view text, std::string_view name);

// SHA-256 of its SubjectPublicKeyInfo: how envelope and file name it.
[[nodiscard]] Digest key_id(const VerifyingKey& key);
// "confirmation.3f1c….json", beside the release's other files.
[[nodiscard]] std::string file_name_of(const VerifyingKey& key);
[[nodiscard]] std::optional<Digest> key_id_in(std::string_view file_name); // nothing for the name of another file

} // namespace ashlar::confirmation

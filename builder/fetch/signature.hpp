#pragma once

// Signatures of suites, checked by gpgv with exactly the keys that a train names.

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::fetch {

struct SignedText {
    std::string text;                 // only what was signed, as gpgv gives it
    std::vector<std::string> signers; // fingerprints of the primary keys, sorted, each once
};

// `shown` stands for the file in messages. Errors: `cannot trust '<shown>': …`: no good signature by
// one of the keys, a bad signature, a weak hash, an expired or revoked key, text outside of what is signed.
// Signatures by keys that are not named are ignored. `scratch` is an empty directory that goes away.
[[nodiscard]] SignedText check_signature(const std::filesystem::path& in_release,
                                         std::span<const std::filesystem::path> keys,
                                         const std::filesystem::path& scratch, std::string_view shown);

// What gpgv's status lines say (doc/DETAILS of GnuPG). For tests.
struct Verdicts {
    std::vector<std::string> good;    // primary keys of good signatures with a strong hash
    std::vector<std::string> unknown; // keys that we do not have
    std::vector<std::string> faults;  // "the signature by … is bad", "… is by an expired key", …
    bool forged = false;              // at least one signature by one of our keys does not fit the text
};
[[nodiscard]] Verdicts parse_status(std::string_view status);

} // namespace ashlar::fetch

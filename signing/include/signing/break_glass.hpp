#pragma once

// The break-glass token: who holds the site's key lets somebody be root on one node, for a while, for a reason that is
// written down. docs/formats/break-glass.md.
//
// Nothing here is cryptography of our own: signatures are OpenSSH's (PROTOCOL.sshsig), certificates too, and both are made
// and checked by ssh-keygen(1). So the key may be a file, in an agent, or on a FIDO token.

#include <signing/key.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

// What ssh-keygen calls the namespace: a signature for anything else is none for a token.
inline constexpr std::string_view break_glass_namespace = "ashlar-break-glass";
inline constexpr std::size_t most_break_glass_bytes = 8192; // with the signature
inline constexpr std::chrono::hours longest_break_glass{7 * 24};

struct BreakGlass {
    std::string node; // its host name: letters, digits, '-' and '.', at most 64
    Time issued, expires;
    std::string reason; // 1 to 200 characters of printable ASCII
    bool operator==(const BreakGlass&) const = default;
};

// The bytes that are signed. An Error when a member is not as said, or the times are not one after the other by at most
// longest_break_glass.
[[nodiscard]] std::string text_of(const BreakGlass& token);

struct SignedBreakGlass {
    BreakGlass token;
    std::string text, signature; // as in the file; nothing is checked about the signature
};
// An Error for anything but the one form that text_of() has, followed by one signature.
[[nodiscard]] SignedBreakGlass parse_break_glass(std::string_view file);

// A file as parse_break_glass() reads it. `key`: as for `ssh-keygen -Y sign -f`: a private key, or the public half of one
// that an agent holds. ssh-keygen speaks to the terminal itself: passphrases, and "touch the token".
[[nodiscard]] std::string sign_break_glass(const BreakGlass& token, const std::filesystem::path& key);

// The same right for sshd: a certificate of that key for `public_key` (a .pub file). Returns its path, which is OpenSSH's:
// beside the key, "-cert.pub". `key` as above.
std::filesystem::path certify_break_glass(const BreakGlass& token, const std::filesystem::path& key, const std::filesystem::path& public_key);
// Whom such a certificate is for: "break-glass.node-1".
[[nodiscard]] std::string break_glass_principal(std::string_view node);

// The keys that a node believes, lines of .pub files, as ssh-keygen's list of allowed signers (ssh-keygen(1)).
[[nodiscard]] std::string break_glass_signers(const std::vector<std::string>& public_keys);

struct BreakGlassSignature {
    std::string signer; // "SHA256:… (comment of the key)"; empty when there is none to believe
    std::string fault;  // empty when it is good
};
// Whether one of the signers, in a file as break_glass_signers() has it, signed this text. `scratch`: a directory for
// what ssh-keygen wants in a file.
[[nodiscard]] BreakGlassSignature check_break_glass(const SignedBreakGlass& file, const std::filesystem::path& signers, const std::filesystem::path& scratch);

} // namespace ashlar

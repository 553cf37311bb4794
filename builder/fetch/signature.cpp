#include "signature.hpp"

#include "armour.hpp"

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/process.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace ashlar::fetch {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view first_line = "-----BEGIN PGP SIGNED MESSAGE-----";
constexpr std::string_view signature_line = "-----BEGIN PGP SIGNATURE-----";
constexpr std::string_view last_line = "-----END PGP SIGNATURE-----";

// OpenPGP's numbers of hashes (RFC 9580, 9.5) that nobody can forge today.
bool is_strong_hash(std::string_view number) {
    return number == "8" || number == "9" || number == "10" || number == "11" || number == "12" || number == "14";
}

std::size_t lines_equal_to(std::string_view text, std::string_view wanted) {
    std::size_t count = 0;
    for (const auto line : split(text, '\n')) count += trim(line) == wanted ? 1U : 0U;
    return count;
}

// gpgv skips what stands around the signed message; we take no file in which anything does.
void expect_one_message(std::string_view text, std::string_view shown) {
    const std::string_view whole = trim(text);
    const bool one = text.starts_with(first_line) && whole.ends_with(last_line) &&
                     lines_equal_to(text, first_line) == 1 && lines_equal_to(text, signature_line) == 1 &&
                     lines_equal_to(text, last_line) == 1;
    if (!one)
        throw Error(fmt::format("cannot trust '{}': it is not one signed message and nothing else", shown),
                    "something between here and the archive answers in its place, e.g. a captive portal, or the mirror "
                    "is broken");
}

fs::path write_keyring(const fs::path& directory, std::span<const fs::path> keys) {
    std::string ring;
    for (const auto& key : keys) ring += binary_certificates(read_file(key), key.native());
    write_file(directory / "keyring.gpg", ring);
    return directory / "keyring.gpg";
}

void sort_unique(std::vector<std::string>& words) {
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
}

void require_trust(const Verdicts& verdicts, std::string_view shown) {
    if (!verdicts.good.empty() && !verdicts.forged) return;
    if (!verdicts.faults.empty())
        throw Error(fmt::format("cannot trust '{}': {}", shown, join(verdicts.faults, "; ")),
                    "the mirror is broken or hostile: use another one");
    if (verdicts.unknown.empty()) throw Error(fmt::format("cannot trust '{}': it has no signature", shown));
    throw Error(
        fmt::format("cannot trust '{}': it is signed by {}, and the train names none of these keys", shown,
                    join(verdicts.unknown, ", ")),
        "if the archive has a new key, get it by a way that you trust and add it to the archive's keys in the train");
}

} // namespace

Verdicts parse_status(std::string_view status) {
    constexpr std::string_view prefix = "[GNUPG:] ";
    Verdicts verdicts;
    bool good = false; // GOODSIG of the signature whose VALIDSIG is to come
    for (const auto line : split(status, '\n')) {
        if (!line.starts_with(prefix)) continue;
        const auto words = split(line.substr(prefix.size()), ' ');
        const auto word = [&](std::size_t i) { return i < words.size() ? std::string(words[i]) : std::string("?"); };
        const auto fault = [&](const char* what) {
            verdicts.faults.push_back(fmt::format(fmt::runtime(what), word(1)));
        };
        const std::string_view keyword = words[0];
        if (keyword == "NEWSIG") good = false;
        if (keyword == "GOODSIG") good = true;
        if (keyword == "BADSIG") {
            verdicts.forged = true;
            fault("the signature by {} does not fit the text");
        }
        if (keyword == "EXPSIG") fault("the signature by {} has expired");
        if (keyword == "EXPKEYSIG") fault("the key {} has expired");
        if (keyword == "REVKEYSIG") fault("the key {} has been revoked");
        // ERRSIG <key> <algorithm> <hash> <class> <time> <code> <fingerprint>; code 9: no such key.
        if (keyword == "ERRSIG" && word(6) == "9")
            verdicts.unknown.push_back(word(7) == "-" || word(7) == "?" ? word(1) : word(7));
        if (keyword == "ERRSIG" && word(6) != "9") fault("the signature by {} cannot be checked");
        // VALIDSIG <fingerprint> <date> <time> <expires> <version> - <algorithm> <hash> <class> <primary>
        if (keyword == "VALIDSIG" && good) {
            if (is_strong_hash(word(8))) {
                verdicts.good.push_back(words.size() > 10 ? word(10) : word(1));
            } else {
                fault("the signature by {} uses a hash that can be forged");
            }
        }
    }
    sort_unique(verdicts.good);
    sort_unique(verdicts.unknown);
    return verdicts;
}

SignedText check_signature(const fs::path& in_release, std::span<const fs::path> keys, const fs::path& scratch,
                           std::string_view shown) {
    expect_one_message(read_file(in_release), shown);
    const fs::path keyring = write_keyring(scratch, keys), text = scratch / "text";
    const Outcome outcome = run({.argv = {"gpgv", "--homedir", scratch.native(), "--status-fd", "1", "--keyring",
                                          keyring.native(), "--output", text.native(), in_release.native()}});
    Verdicts verdicts = parse_status(outcome.output);
    require_trust(verdicts, shown);
    return {read_file(text), std::move(verdicts.good)};
}

} // namespace ashlar::fetch

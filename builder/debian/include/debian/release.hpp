#pragma once

// What a suite says about itself: the text of `InRelease` once its signature was checked and taken
// off (Debian wiki "DebianRepository/Format"; deb822).

#include <signing/digest.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::debian {

struct IndexFile {
    Digest sha256;
    std::uint64_t size = 0; // bytes
    bool operator==(const IndexFile&) const = default;
};

struct Release {
    std::string origin, label, suite, codename, version; // empty where the archive says nothing
    std::int64_t date = 0;                               // seconds since 1970
    std::optional<std::int64_t> valid_until;
    bool acquire_by_hash = false;
    bool not_automatic = false;          // candidates get priority 1 …
    bool but_automatic_upgrades = false; // … or 100
    // The index of `Architecture: all` is a file of its own beside each architecture's. Otherwise
    // its packages are in each of those too.
    bool separate_all_index = false;
    std::vector<std::string> architectures, components;
    // By path below the suite: "main/binary-amd64/Packages.xz". Only what has a SHA-256 is known.
    std::map<std::string, IndexFile, std::less<>> files;

    [[nodiscard]] const IndexFile* find(std::string_view path) const;
};

// Errors: `cannot parse '<name>:<line>': …`. Date, SHA256 and one of Suite and Codename must be there; a
// text that still has its signature around it is refused, so is a path that leaves the suite.
[[nodiscard]] Release parse_release(std::string_view clear_text, std::string_view name);

// "Sat, 21 Nov 2026 09:15:44 UTC" (RFC 5322; the zone is UTC, GMT, Z or ±hhmm) in seconds since 1970,
// whatever the locale. Empty when it is none.
[[nodiscard]] std::optional<std::int64_t> parse_date(std::string_view text);

} // namespace ashlar::debian

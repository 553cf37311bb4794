#pragma once

// Debian changelogs, deb-changelog(5): what was changed from version to version, newest first.
//
// They are written by people over decades, so reading never fails: what is not in the form is text of the
// entry above it.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::documents {

// A vulnerability's id, and the line that names it.
struct Mention {
    std::string id;       // "CVE-2025-4802"
    std::size_t line = 0; // of the changelog, from 1
    std::string text;     // the line, without the blanks around it
    bool operator==(const Mention&) const = default;
};

// Views into the changelog.
struct ChangelogEntry {
    std::string_view source, version;
    std::string_view text; // the lines below the heading
    std::size_t line = 0;  // of the heading, from 1
};

[[nodiscard]] std::vector<ChangelogEntry> parse_changelog(std::string_view text);

// The ids that the entry names, each once, in its order: `CVE-`, four digits, `-`, four digits or more.
[[nodiscard]] std::vector<Mention> vulnerabilities_in(const ChangelogEntry& entry);

} // namespace ashlar::documents

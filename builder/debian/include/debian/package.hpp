#pragma once

// Packages as Debian's indices describe them (Debian Policy chapters 5 and 7).

#include <signing/digest.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::debian {

// Debian version order: epoch, upstream, revision; `~` before everything (Policy 5.6.12). Different
// texts may be the same version ("1.0" and "0:1.0-0"). Defined for any text, so that sorting never
// fails; is_version() says what is a version.
[[nodiscard]] std::weak_ordering compare_versions(std::string_view a, std::string_view b);

[[nodiscard]] bool is_version(std::string_view text) noexcept;

enum class Relation { any, less, less_equal, equal, greater_equal, greater };

// One alternative, `name [:arch-qualifier] [(rel version)]`.
struct Alternative {
    std::string_view name;
    std::string_view qualifier; // "any", "native", an architecture, or empty
    Relation relation = Relation::any;
    std::string_view version;

    bool operator==(const Alternative&) const = default;
};
// `a | b | c`, in the order written: the order is a preference.
using Group = std::vector<Alternative>;

// As in a control file.
[[nodiscard]] std::string to_string(const Alternative& alternative);
[[nodiscard]] std::string to_string(const Group& group);

// Whether `version` is what `alternative` asks for, by version alone.
[[nodiscard]] bool version_satisfies(std::string_view version, const Alternative& alternative);

enum class MultiArch { no, same, foreign, allowed };

// Views point into the index text that the Universe holds.
struct Package {
    std::string_view name, version, architecture;
    std::string_view source, source_version; // as in Source:, defaulting to name and version
    std::string_view section, priority, maintainer, homepage;
    std::string_view filename;        // path below the archive's root, or below the local folder
    std::uint64_t size = 0;           // bytes of the .deb
    std::uint64_t installed_size = 0; // KiB, as the archive says
    Digest sha256;
    bool essential = false;
    bool important = false; // Protected: yes (formerly Important: yes)
    MultiArch multi_arch = MultiArch::no;
    std::string_view component; // "main"
    std::string_view archive;   // recipe::Archive::name
    std::string_view suite;
    int pin = 500; // priority after pins
    // The raw fields; parse_groups() when needed.
    std::string_view pre_depends, depends, conflicts, breaks, provides, replaces;
};

// Pre-Depends, Depends, Conflicts, Breaks, Replaces, Provides of a binary package. Throws
// `cannot parse dependency '<text>': …`. What only source packages may have, `[architecture]` and
// `<build profile>`, is refused.
[[nodiscard]] std::vector<Group> parse_groups(std::string_view field);

// A field in which `|` has no place (Conflicts, Breaks, Replaces, Provides).
[[nodiscard]] std::vector<Alternative> parse_list(std::string_view field);

} // namespace ashlar::debian

#pragma once

// What recipes/components.toml says (docs/formats/components.md): which software of a cluster has instances that talk
// to each other, how its line is told from a package's version, and to which line one may go from another.
//
// Rules are of a few kinds, and no component is known to the program by name.

#include <base/day.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::rules {

enum class Kind {
    series,   // lines in the order listed; at most `at_most` further, or from one that is kept long to the next such
    minor,    // "1.34": of one major number, at most `at_most` minor numbers further
    major,    // "19": at most `at_most` further
    calendar, // "2025.1", two a year: the next one, or from a first one of a year to that of the next year
    forward,  // numbers: any later one
};
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

// Versions between which upgrades need no thought.
struct Line {
    std::string name;         // "2025.1"
    std::string title;        // "Epoxy"; may be empty
    bool kept_long = false;   // of kind `series` only: LTS
    std::optional<Day> until; // last day on which upstream maintains it; nothing: upstream names none
    bool operator==(const Line&) const = default;
};

struct Rule {
    std::string name;
    Kind kind = Kind::series;
    std::string summary;     // what it allows, for people: "…, or from one LTS to the next"
    std::string source, url; // upstream's document
    unsigned at_most = 1;    // 0: the line never changes; of no meaning for `calendar` and `forward`
    std::vector<Line> lines; // all there are for `series`, those of which something is known otherwise

    [[nodiscard]] const Line* line(std::string_view name_of_it) const noexcept;
    // "2025.1 Epoxy"
    [[nodiscard]] std::string titled(std::string_view line) const;
};

struct Component {
    std::string name;
    std::vector<std::string> packages; // names of binary packages; the first that an image has tells the version
    std::string rule;
    std::string maintainer; // a team or project
    // Beginning of upstream's version, whole numbers of it → line; empty: the line is what the version begins with.
    std::map<std::string, std::string, std::less<>> lines;
    // Line → last day on which `maintainer` keeps it, where that is not upstream's.
    std::map<std::string, Day, std::less<>> until;
    // Packages that must not change in one step of one node: upstream upgrades them in this order, over all nodes.
    std::vector<std::string> in_turn;
};

struct Components {
    std::vector<Rule> rules;
    std::vector<Component> components; // as written

    [[nodiscard]] const Component* component(std::string_view name) const noexcept;
    [[nodiscard]] const Rule& rule_of(const Component& component) const; // it is there: the reader saw to that
};

// Debian's version without epoch, revision and what follows a '+': "2:31.0.0-6" → "31.0.0", "18.2.7+ds-1" → "18.2.7".
[[nodiscard]] std::string upstream_version(std::string_view package_version);

// Nothing where it cannot be told: the version begins with no number, or stands in none of the component's `lines`.
[[nodiscard]] std::optional<std::string> line_of(const Component& component, const Rule& rule, std::string_view upstream);

// The last day on which somebody maintains the line.
[[nodiscard]] std::optional<Day> maintained_until(const Component& component, const Rule& rule, std::string_view line);

struct Forbidden {
    std::string cause;  // "2024.2 Dalmatian to 2026.1 Gazpacho is no step of rule 'openstack': …"
    std::string remedy; // "…"
    bool operator==(const Forbidden&) const = default;
};
// Nothing: upstream allows it. Staying on a line always is.
[[nodiscard]] std::optional<Forbidden> forbidden_step(const Rule& rule, std::string_view from, std::string_view to);

// Where a line is not of the form that the rule's kind wants: a message for the reader.
[[nodiscard]] std::optional<std::string> wrong_form(Kind kind, std::string_view line);

} // namespace ashlar::rules

#pragma once

// A difference as JSON (docs/formats/diff.md), as Markdown for release notes, and as text.

#include <diff/closed.hpp>
#include <diff/comparison.hpp>
#include <policy/policy.hpp>
#include <vulnerabilities/step.hpp>

#include <base/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ashlar::diff {

struct Report {
    const ReleaseDifference& difference;
    const ClosedVulnerabilities& closed;
    // What a policy found; nothing: none was given.
    std::optional<std::vector<policy::Finding>> findings;
    // What the security tracker says; nothing: no snapshot was given.
    std::optional<vulnerabilities::Step> tracked = std::nullopt;
};

[[nodiscard]] Json to_json(const Report& report);

// With a headline, tables, and the long lists folded at the end: what is put into release notes.
[[nodiscard]] std::string notes(const Report& report);
// For a terminal: the same, with counts in place of the long lists.
[[nodiscard]] std::string to_text(const Report& report);
// What the tracker says alone, as sections to put behind notes that were made without it.
[[nodiscard]] std::string tracked_notes(const vulnerabilities::Step& step);

// What of a difference a policy refuses, by `changes`.
[[nodiscard]] std::vector<policy::Finding> judge(const policy::ChangeRules& rules, const ReleaseDifference& difference);

} // namespace ashlar::diff

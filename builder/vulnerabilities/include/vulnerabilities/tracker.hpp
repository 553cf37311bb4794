#pragma once

// A snapshot of the Debian security tracker, as it exports all it knows as one JSON file:
// source package → vulnerability → description, and per release status, fixed version and urgency.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace ashlar::vulnerabilities {

// One vulnerability of one source package in one release of Debian.
struct Record {
    enum class Status { open, resolved, undetermined } status = Status::undetermined;
    std::string urgency;                      // "high", "not yet assigned", "unimportant", "end-of-life" …
    std::optional<std::string> fixed_version; // "0": the release was never affected
    std::optional<std::string> no_advisory;   // why Debian makes no advisory of its own ("Minor issue")
};

struct Issue {
    std::string description;
    std::map<std::string, Record> releases; // "trixie"
};

using Issues = std::map<std::string, Issue>; // by id: "CVE-2026-1234", "TEMP-0000000-1A2B3C"

class Tracker {
public:
    // Of the whole snapshot only the issues of `sources` are kept. Error `cannot read the security tracker
    // '<name>': <place>: <cause>` on what has another shape; members that are not known are passed over, since
    // the tracker adds some now and then.
    [[nodiscard]] static Tracker parse(std::string_view text, std::string_view name, const std::set<std::string>& sources);

    // Nothing: the tracker does not know the source package.
    [[nodiscard]] const Issues* find(const std::string& source) const;
    // Whether any issue that was kept is judged for the release.
    [[nodiscard]] bool knows_release(const std::string& release) const;

private:
    std::map<std::string, Issues> sources_;
};

} // namespace ashlar::vulnerabilities

#pragma once

// What the tracker's snapshot says of images. Pure.

#include <policy/policy.hpp>
#include <vulnerabilities/inventory.hpp>
#include <vulnerabilities/tracker.hpp>

#include <base/json.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::vulnerabilities {

struct Finding {
    // `open`: this version has it; `not_affected`: the release never had it; `resolved`: this version, or one
    // before it, fixed it; `undetermined`: nobody has judged it.
    enum class State { open, undetermined, not_affected, resolved } state;
    std::string id, source, version;
    std::string release; // that it was judged by
    std::string urgency;
    std::optional<std::string> fixed_version; // of an open one: where it is fixed; of a resolved one: since when
    std::optional<std::string> no_advisory;
    std::string description;
    std::vector<Place> places;
};

struct Assessment {
    std::string release;                // of Debian
    std::vector<Finding> findings;      // by state, urgency, id, source
    std::vector<std::string> unknown;   // sources that the tracker does not know: it has no issue of them
    std::vector<std::string> foreign;   // sources that are not Debian's: nobody was asked
    [[nodiscard]] std::size_t count(Finding::State state) const;
};

// `release`: Debian's, such as "trixie". What comes from backports is judged as "sid": they follow the
// release after this one, of which the snapshot knows no name.
[[nodiscard]] Assessment assess(const Inventory& inventory, const Tracker& tracker, const std::string& release);

// "open", "undetermined", "not affected", "resolved"
[[nodiscard]] std::string_view name_of(Finding::State state) noexcept;

enum class Listing { open, everything }; // open and undetermined ones alone, or all
[[nodiscard]] std::string to_text(const Assessment& assessment, Listing listing);
[[nodiscard]] Json to_json(const Assessment& assessment);
[[nodiscard]] Json to_json(const Finding& finding);

// What a policy refuses. `waivers` are those of the rules, and learn which of them were needed.
[[nodiscard]] std::vector<policy::Finding> judge(const policy::VulnerabilityRules& rules, const Assessment& assessment, policy::Waivers& waivers);

} // namespace ashlar::vulnerabilities

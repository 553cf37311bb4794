#pragma once

// What a release may contain, as its maker has written it down: docs/formats/policy.md.
//
// A table that is not there asks for nothing. What is refused is a Finding, an answer and no error.

#include <base/json.hpp>
#include <toml/source.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::policy {

// A word for what would be refused: for whom or what, why, and to which day (inclusive).
struct Waiver {
    std::string subject; // a package, or a vulnerability's id
    std::string detail;  // the licence, or the source package; empty: any
    std::string reason;
    std::string until; // "2027-06-30"
    toml::Position position;
};

enum class Verdict { accept, refuse };

struct LicenceRules {
    // Names as copyright files have them; `*` and `?` as in glob(7). Empty `allowed`: whatever is not denied.
    std::vector<std::string> allowed, denied;
    Verdict unknown = Verdict::accept; // no licence is known
    std::vector<Waiver> waivers;
};

struct VulnerabilityRules {
    std::vector<std::string> urgencies;     // open ones of these are refused
    Verdict undetermined = Verdict::accept; // those that nobody has judged
    Verdict fixable = Verdict::accept;      // open ones, whatever their urgency, for which there is a fixed version
    std::vector<Waiver> waivers;
};

struct ChangeRules {
    Verdict downgrades = Verdict::accept; // of packages
    Verdict privileges = Verdict::accept; // new set-uid and set-gid files and capabilities
    Verdict accounts = Verdict::accept;   // ids that moved
    Verdict listening = Verdict::accept;  // sockets that are enabled and were not
    std::optional<std::uint64_t> growth;  // bytes that the root of one image may grow
};

struct Policy {
    std::string name; // of the file, for findings
    std::optional<LicenceRules> licences;
    std::optional<VulnerabilityRules> vulnerabilities;
    std::optional<ChangeRules> changes;
};

// SourceError with all that is wrong in the file.
[[nodiscard]] Policy read_policy(const toml::SourcePtr& source);
[[nodiscard]] Policy read_policy(const std::filesystem::path& file);

struct Finding {
    std::string rule;    // "licences.denied"
    std::string subject; // "libfoo1", "CVE-2026-1 in openssl"
    std::string message; // one sentence without a full stop
    bool operator==(const Finding&) const = default;
};

// Which waivers hold on a day ("2026-11-30"; days compare as texts).
class Waivers {
public:
    Waivers(const std::vector<Waiver>& waivers, std::string_view today) : waivers_(waivers), today_(today), used_(waivers.size()) {}

    // The waiver for it, whether it still holds or not: `holds()` says which.
    [[nodiscard]] const Waiver* find(std::string_view subject, std::string_view detail);
    [[nodiscard]] bool holds(const Waiver& waiver) const { return waiver.until >= today_; }
    // Adds the finding unless a waiver holds for it; one that has run out is named.
    void add(std::vector<Finding>& findings, Finding finding, std::string_view subject, std::string_view detail);
    // Those that nothing was found for: what they waived is gone.
    [[nodiscard]] std::vector<const Waiver*> unused() const;

private:
    const std::vector<Waiver>& waivers_;
    std::string today_;
    std::vector<bool> used_;
};
// "policy.toml:14: the waiver for 'libfoo1' lets nothing pass: remove it", for each that is not used.
[[nodiscard]] std::vector<std::string> unused_warnings(const Waivers& waivers);

// One line each: "refused by policy.toml: libfoo1: …".
[[nodiscard]] std::string to_text(const Policy& policy, const std::vector<Finding>& findings);
[[nodiscard]] Json to_json(const std::vector<Finding>& findings);

[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);
// "2026-11-30" of the UTC calendar.
[[nodiscard]] bool is_day(std::string_view text) noexcept;
[[nodiscard]] std::string day_of(std::int64_t seconds);

} // namespace ashlar::policy

#pragma once

// What a cut refuses (docs/formats/components.md): pure functions from the facts of two releases to findings. Each finding is
// accepted by a word of the train, or refuses the cut.

#include <base/day.hpp>
#include <base/error.hpp>
#include <facts/image_facts.hpp>
#include <root/accounts.hpp>
#include <rules/components.hpp>
#include <rules/cut_rule.hpp>
#include <signing/cluster_release.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::cut {

struct AccountNumbers {
    std::optional<std::uint32_t> uid, gid;
    bool operator==(const AccountNumbers&) const = default;
};
using Accounts = std::map<std::string, AccountNumbers, std::less<>>; // by name
[[nodiscard]] Accounts accounts_of(const root::Ledger& ledger);

// What is known of a release: the new one, or one from which nodes come.
struct ReleaseFacts {
    std::string release;                     // "R1.0"
    std::vector<facts::ImageFacts> images;   // one a role
    std::optional<Accounts> accounts;        // its ledger's; nothing where that was not kept: owners of files are compared all the same
};

struct Finding {
    rules::CutRule rule{};
    std::string subject; // by which [[accept]] names it
    std::string cause;
    std::string remedy;
    bool operator==(const Finding&) const = default;
};

// The components that a release carries, as its document lists them, and what is wrong with the reading itself:
// different versions in one release, a line that cannot be told.
struct Reading {
    std::vector<ReleaseComponent> components; // by name
    std::vector<Finding> findings;
};
[[nodiscard]] Reading read_components(const rules::Components& components, const ReleaseFacts& release);

// What changes between two releases.
[[nodiscard]] std::vector<Finding> component_findings(const rules::Components& components, const ReleaseFacts& from, const ReleaseFacts& to);
[[nodiscard]] std::vector<Finding> hyperconverged_findings(const rules::Components& components, const ReleaseFacts& from, const ReleaseFacts& to);
[[nodiscard]] std::vector<Finding> account_findings(const ReleaseFacts& from, const ReleaseFacts& to);
[[nodiscard]] std::vector<Finding> set_id_findings(const ReleaseFacts& from, const ReleaseFacts& to);
[[nodiscard]] std::vector<Finding> listener_findings(const ReleaseFacts& from, const ReleaseFacts& to);
// Of one release: components whose line nobody maintains on `day`.
[[nodiscard]] std::vector<Finding> end_findings(const rules::Components& components, const ReleaseFacts& release, Day day);

// What packages alone tell, so that it can be said before anything is built: `release` needs no trees. From each of
// `previous`; by rule, subject and cause, none twice.
[[nodiscard]] std::vector<Finding> package_findings(const rules::Components& components, const ReleaseFacts& release, const std::vector<ReleaseFacts>& previous, Day day);
// All of them, in the same order.
[[nodiscard]] std::vector<Finding> all_findings(const rules::Components& components, const ReleaseFacts& release, const std::vector<ReleaseFacts>& previous, Day day);

struct Verdict {
    std::vector<Finding> refused;
    std::vector<Finding> accepted;
    std::vector<Acceptance> used;    // what the release carries
    std::vector<std::size_t> unused; // places in `accept` of words that let nothing pass: a warning each
};
[[nodiscard]] Verdict judge(const std::vector<Finding>& findings, const std::vector<Acceptance>& accept);

// `cannot cut 'R1.0': …` with all findings and, as hint, the words that would accept them. `train_file`: where these go.
[[nodiscard]] Error refusal(std::string_view release, const std::vector<Finding>& refused, std::string_view train_file);
// "the accepted word 'set-id /usr/bin/x' lets nothing pass: remove it"
[[nodiscard]] std::string unused_warning(const Acceptance& word);

} // namespace ashlar::cut

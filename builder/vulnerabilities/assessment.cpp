#include <vulnerabilities/assessment.hpp>

#include <base/text.hpp>
#include <debian/package.hpp>

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace ashlar::vulnerabilities {

namespace {

using State = Finding::State;

constexpr std::string_view unstable = "sid", never_affected = "0";

State state_of(const Record& record, const std::string& version) {
    if (record.fixed_version == never_affected) return State::not_affected;
    if (record.status == Record::Status::undetermined) return State::undetermined;
    // The status is that of the newest version in the archive; ours may be an older one.
    if (record.fixed_version) return debian::compare_versions(version, *record.fixed_version) >= 0 ? State::resolved : State::open;
    return State::open;
}

// What is worst comes first.
std::size_t rank(std::string_view urgency) {
    constexpr std::array<std::string_view, 6> order{"high", "medium", "low", "not yet assigned", "end-of-life", "unimportant"};
    return static_cast<std::size_t>(std::ranges::find(order, urgency.substr(0, urgency.find('*'))) - order.begin());
}

bool before(const Finding& one, const Finding& two) {
    const auto key = [](const Finding& finding) { return std::tuple<State, std::size_t, const std::string&, const std::string&, const std::string&>(finding.state, rank(finding.urgency), finding.id, finding.source, finding.version); };
    return key(one) < key(two);
}

void add_findings(Assessment& assessment, const Source& source, const Issues& issues, const std::string& release) {
    for (const auto& [id, issue] : issues) {
        const auto record = issue.releases.find(release);
        if (record == issue.releases.end()) continue; // fixed before this release, or never in it
        const Record& known = record->second;
        assessment.findings.push_back({state_of(known, source.version), id, source.name, source.version, release, known.urgency,
                                       known.fixed_version == never_affected ? std::nullopt : known.fixed_version, known.no_advisory, issue.description, source.places});
    }
}

std::vector<std::string> packages_of(const Finding& finding) {
    std::set<std::string> names;
    for (const auto& place : finding.places) names.insert(place.package);
    return {names.begin(), names.end()};
}

std::vector<std::string> roles_of(const Finding& finding) {
    std::set<std::string> names;
    for (const auto& place : finding.places) names.insert(place.role);
    return {names.begin(), names.end()};
}

std::string line_of(const Finding& finding) {
    const std::string fixed = finding.state == State::open ? (finding.fixed_version ? fmt::format("fixed in {}", *finding.fixed_version) : std::string("no fix yet")) : std::string();
    return fmt::format("{:<18} {:<12} {:<17} {:<24} {:<24} {}", finding.id, name_of(finding.state), finding.urgency, finding.source, finding.version, fixed);
}

std::string without_end(std::string line) { return line.substr(0, line.find_last_not_of(' ') + 1); }

} // namespace

std::size_t Assessment::count(State state) const { return static_cast<std::size_t>(std::ranges::count(findings, state, &Finding::state)); }

Assessment assess(const Inventory& inventory, const Tracker& tracker, const std::string& release) {
    Assessment assessment{release, {}, {}, inventory.foreign};
    for (const Source& source : inventory.sources) {
        if (const Issues* issues = tracker.find(source.name))
            add_findings(assessment, source, *issues, source.backport ? std::string(unstable) : release);
        else
            assessment.unknown.push_back(source.name);
    }
    std::ranges::sort(assessment.findings, before);
    const auto doubled = std::ranges::unique(assessment.unknown);
    assessment.unknown.erase(doubled.begin(), doubled.end());
    return assessment;
}

std::string_view name_of(State state) noexcept {
    constexpr std::array<std::string_view, 4> names{"open", "undetermined", "not affected", "resolved"};
    return names[static_cast<std::size_t>(state)];
}

std::string to_text(const Assessment& assessment, Listing listing) {
    std::string text;
    for (const auto& finding : assessment.findings)
        if (listing == Listing::everything || finding.state == State::open || finding.state == State::undetermined) text += without_end(line_of(finding)) + "\n";
    text += fmt::format("{} open, {} undetermined, {} not affected, {} resolved, in {}\n", assessment.count(State::open), assessment.count(State::undetermined),
                        assessment.count(State::not_affected), assessment.count(State::resolved), assessment.release);
    if (!assessment.foreign.empty()) text += fmt::format("not Debian's, not judged: {}\n", join(assessment.foreign, ", "));
    return text;
}

Json to_json(const Finding& one) {
    return {{"id", one.id}, {"state", name_of(one.state)}, {"source", one.source}, {"version", one.version}, {"release", one.release}, {"urgency", one.urgency}, {"description", one.description},
            {"packages", packages_of(one)}, {"roles", roles_of(one)}, {"fixed_version", one.fixed_version ? Json(*one.fixed_version) : Json()}, {"no_advisory", one.no_advisory ? Json(*one.no_advisory) : Json()}};
}

Json to_json(const Assessment& assessment) {
    Json findings = Json::array();
    for (const auto& one : assessment.findings) findings.push_back(to_json(one));
    return {{"format", 1}, {"release", assessment.release}, {"findings", findings}, {"unknown", assessment.unknown}, {"foreign", assessment.foreign}};
}

std::vector<policy::Finding> judge(const policy::VulnerabilityRules& rules, const Assessment& assessment, policy::Waivers& waivers) {
    std::vector<policy::Finding> refused;
    const auto add = [&](const char* rule, const Finding& finding, std::string message) {
        waivers.add(refused, {rule, fmt::format("{} in {} {}", finding.id, finding.source, finding.version), std::move(message)}, finding.id, finding.source);
    };
    for (const Finding& finding : assessment.findings) {
        const std::string urgency = finding.urgency.substr(0, finding.urgency.find('*'));
        if (finding.state == State::open && std::ranges::find(rules.urgencies, urgency) != rules.urgencies.end())
            add("vulnerabilities.refuse", finding, fmt::format("it is open, urgency '{}'{}", urgency, finding.fixed_version ? fmt::format("; fixed in {}", *finding.fixed_version) : ""));
        else if (finding.state == State::open && finding.fixed_version && rules.fixable == policy::Verdict::refuse)
            add("vulnerabilities.fixable", finding, fmt::format("it is open and fixed in {}", *finding.fixed_version));
        else if (finding.state == State::undetermined && rules.undetermined == policy::Verdict::refuse)
            add("vulnerabilities.undetermined", finding, "nobody has judged it");
    }
    return refused;
}

} // namespace ashlar::vulnerabilities

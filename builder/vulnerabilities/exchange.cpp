#include <vulnerabilities/exchange.hpp>

#include <base/text.hpp>
#include <evidence/bill_of_materials.hpp>
#include <image/identifiers.hpp>

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace ashlar::vulnerabilities {

namespace {

using State = Finding::State;

constexpr std::string_view uuid_prefix = "urn:uuid:";

// BOM-Link (RFC 8141 name space cdx): urn:cdx:<serial number>/<version>#<bom-ref>.
std::string reference(const Place& place) {
    const std::string own = evidence::component_reference(place.package, place.digest);
    if (!place.bill.starts_with(uuid_prefix)) return own;
    return fmt::format("urn:cdx:{}/1#{}", place.bill.substr(uuid_prefix.size()), own);
}

// Without a document that describes it, a package is described here.
Json component(const Place& place) {
    return {{"type", "library"}, {"bom-ref", evidence::component_reference(place.package, place.digest)}, {"name", place.package}, {"version", place.version}};
}

std::string_view severity(std::string_view urgency) {
    if (urgency == "unimportant") return "none";
    if (urgency == "high" || urgency == "medium" || urgency == "low") return urgency;
    return "unknown";
}

// A waiver is the maker's own word on an open one.
Json analysis(const Finding& finding, const policy::Waiver* waiver) {
    switch (finding.state) {
    case State::resolved: return {{"state", "resolved"}};
    case State::not_affected: return {{"state", "not_affected"}, {"justification", "code_not_present"}, {"detail", "Debian's security tracker: this release was never affected"}};
    case State::undetermined: return {{"state", "in_triage"}};
    case State::open: break;
    }
    Json json{{"state", "exploitable"}};
    if (waiver != nullptr) {
        json["response"] = Json::array({"will_not_fix"});
        json["detail"] = fmt::format("{} (until {})", waiver->reason, waiver->until);
    } else if (finding.fixed_version) {
        json["response"] = Json::array({"update"});
    }
    return json;
}

Json affects(const Finding& finding) {
    std::map<std::string, std::string> versions;
    for (const auto& place : finding.places) versions.emplace(reference(place), place.version);
    const bool affected = finding.state == State::open || finding.state == State::undetermined;
    const std::string_view status = finding.state == State::undetermined ? "unknown" : affected ? "affected" : "unaffected";
    Json list = Json::array();
    for (const auto& [name, version] : versions) list.push_back({{"ref", name}, {"versions", Json::array({{{"version", version}, {"status", status}}})}});
    return list;
}

Json vulnerability(const Finding& finding, const policy::Waiver* waiver) {
    Json json{{"bom-ref", fmt::format("{}:{}:{}", finding.id, finding.source, finding.version)},
              {"id", finding.id},
              {"source", {{"name", "Debian security tracker"}}},
              {"ratings", Json::array({{{"source", {{"name", "Debian"}}}, {"severity", severity(finding.urgency)}, {"method", "other"}}})},
              {"analysis", analysis(finding, waiver)},
              {"affects", affects(finding)}};
    if (!finding.description.empty()) json["description"] = finding.description;
    if (finding.state == State::open && finding.fixed_version) json["recommendation"] = fmt::format("{} {}", finding.source, *finding.fixed_version);
    return json;
}

Json components(const Assessment& assessment) {
    std::map<std::string, Json> own;
    for (const auto& finding : assessment.findings)
        for (const auto& place : finding.places)
            if (place.bill.empty()) own.emplace(reference(place), component(place));
    Json list = Json::array();
    for (const auto& [name, one] : own) list.push_back(one);
    return list;
}

} // namespace

std::string vex(const Assessment& assessment, const Digest& tracker, const policy::VulnerabilityRules* rules, std::string_view today) {
    const policy::VulnerabilityRules none;
    policy::Waivers waivers((rules != nullptr ? *rules : none).waivers, today);
    Json list = Json::array();
    for (const auto& finding : assessment.findings) {
        const auto* waiver = waivers.find(finding.id, finding.source);
        list.push_back(vulnerability(finding, waiver != nullptr && waivers.holds(*waiver) ? waiver : nullptr));
    }
    const std::string content = list.dump();
    return pretty({{"bomFormat", "CycloneDX"},
                   {"specVersion", "1.6"},
                   {"serialNumber", fmt::format("{}{}", uuid_prefix, image::guid_named(fmt::format("vex:{}:{}", tracker.hex(), sha256(content).hex())).text())},
                   {"version", 1},
                   {"metadata",
                    {{"tools", {{"components", Json::array({{{"type", "application"}, {"name", "ashlar"}}})}}},
                     {"properties", Json::array({{{"name", "ashlar:tracker"}, {"value", tracker.hex()}}, {{"name", "ashlar:release"}, {"value", assessment.release}}})}}},
                   {"components", components(assessment)},
                   {"vulnerabilities", std::move(list)}});
}

} // namespace ashlar::vulnerabilities

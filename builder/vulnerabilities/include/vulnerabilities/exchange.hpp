#pragma once

// An assessment as VEX, for other programs: CycloneDX 1.6, JSON. docs/formats/vex.md.

#include <vulnerabilities/assessment.hpp>

#include <signing/digest.hpp>

#include <string>

namespace ashlar::vulnerabilities {

// Refers to the components of the images' own CycloneDX documents where those have a serial number, else to
// package URLs' components of its own. The same assessment and snapshot give the same bytes.
[[nodiscard]] std::string vex(const Assessment& assessment, const Digest& tracker, const policy::VulnerabilityRules* rules, std::string_view today);

} // namespace ashlar::vulnerabilities

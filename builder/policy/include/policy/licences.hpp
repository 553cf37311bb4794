#pragma once

// Packages whose licences a policy does not accept.

#include <documents/licences.hpp>
#include <policy/policy.hpp>

#include <vector>

namespace ashlar::policy {

// `waivers` are those of the rules, and learn which of them were needed.
[[nodiscard]] std::vector<Finding> judge(const LicenceRules& rules, const std::vector<documents::PackageLicences>& licences, Waivers& waivers);

} // namespace ashlar::policy

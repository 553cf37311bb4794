#pragma once

// Packages whose licences a policy does not accept.

#include <documents/licences.hpp>
#include <policy/policy.hpp>

#include <string_view>
#include <vector>

namespace ashlar::policy {

[[nodiscard]] std::vector<Finding> judge(const LicenceRules& rules, const std::vector<documents::PackageLicences>& licences, std::string_view today);

} // namespace ashlar::policy

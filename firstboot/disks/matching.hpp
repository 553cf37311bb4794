#pragma once

#include <disks/rule.hpp>

#include <string>

namespace ashlar::disks {

// Why this rule does not mean it; empty: it does.
[[nodiscard]] std::string unmatched(const Disk& disk, const Rule& rule);

} // namespace ashlar::disks

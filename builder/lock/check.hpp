#pragma once

// What the format asks of a lock beyond its types. Asked before writing and after reading, so that
// no lock is written that cannot be read.

#include <lock/lock.hpp>

namespace ashlar::lock {

// `packages[3].path: expected a relative path …, found '…'`: the first thing that is wrong with a
// normalised lock, or nothing.
[[nodiscard]] std::optional<std::string> first_fault(const Lock& lock);

} // namespace ashlar::lock

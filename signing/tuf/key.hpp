#pragma once

#include "fields.hpp"

namespace ashlar::tuf {

// Private: a key as metadata has it.
[[nodiscard]] Key read_key(const std::string& id, const Fields& fields);

} // namespace ashlar::tuf

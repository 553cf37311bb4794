#pragma once

// Who a node is: made from random numbers, at installation and at a factory reset.

#include <reset/note.hpp>

namespace ashlar::node {

[[nodiscard]] reset::Name random_name();

} // namespace ashlar::node

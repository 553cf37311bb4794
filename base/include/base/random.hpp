#pragma once

// Random bytes from the kernel, for keys and names (getrandom(2)).

#include <cstddef>
#include <span>

namespace ashlar {

void fill_with_random(std::span<std::byte> bytes);

} // namespace ashlar

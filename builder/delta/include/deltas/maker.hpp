#pragma once

// Deltas and full files of images: docs/guides/delta.md.

#include <deltas/image.hpp>
#include <deltas/report.hpp>

#include <base/progress.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>

namespace ashlar::deltas {

// Measured on pairs of releases: docs/guides/delta.md.
inline constexpr std::uint64_t full_piece = 32U << 10U;

struct Order {
    enum class Kind { delta, full } kind = Kind::delta;
    // A delta needs it. With a full file, the report says what a node with this old image fetches of it.
    const Image* old = nullptr;
    const Image& now;
    std::optional<std::uint64_t> budget; // bytes
};

// Where the file goes: beside the new image, `ashlar_<role>_<old>-<new>_<architecture>.delta` or
// `ashlar_<role>_<new>_<architecture>.full`.
[[nodiscard]] std::filesystem::path output_of(const Order& order);

// Writes it, or, where it would be larger than the budget, nothing: the report says how large it is or
// would be. The file appears when it is complete. Throws Error when the images are of different roles or
// architectures, or have the same root.
[[nodiscard]] Report make(const Order& order, Renderer& renderer);

} // namespace ashlar::deltas

#pragma once

// For each block of the new root, where it is in the old one, or where what it was is.

#include <deltas/plan.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace ashlar::deltas {

using Place = std::uint64_t; // number of an old block

struct BlockPlace {
    std::optional<Place> old;
    bool same = false; // the old block at that place has the same content
    bool zero = false;
};

class Places {
public:
    Places(const Side& old, const Side& now);

    [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
    [[nodiscard]] const BlockPlace& operator[](std::size_t block) const { return places_[block]; }
    [[nodiscard]] const std::vector<bool>& kept() const noexcept { return kept_; } // as in Plan

private:
    std::vector<BlockPlace> places_;
    std::vector<bool> kept_;
};

[[nodiscard]] bool all_zero(ByteView bytes);

} // namespace ashlar::deltas

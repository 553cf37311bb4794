#pragma once

// Compresses a plan on all processors.

#include <deltas/plan.hpp>

#include <base/progress.hpp>
#include <signing/digest.hpp>

#include <functional>
#include <span>

namespace ashlar::deltas {

// Of every piece, in order: the piece as it is packed (a patch that is no smaller than plain data became
// data), the digest of what it makes, its payload.
using Take = std::function<void(const Piece&, const Digest&, ByteView)>;

// `old` is empty where no piece looks at it. Each payload is unpacked again and compared before it is handed
// on. Memory: 64 MiB of made bytes at a time.
void pack(ByteView old, ByteView now, std::span<const Piece> pieces, int level, Renderer& renderer, const Take& take);

} // namespace ashlar::deltas

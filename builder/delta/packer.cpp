#include <deltas/packer.hpp>

#include <base/error.hpp>
#include <base/parallel.hpp>
#include <delta/compression.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>

#include <fmt/format.h>

namespace ashlar::deltas {

namespace {

using delta::Kind;

constexpr std::uint64_t batch_size = 64U << 20U;

ByteView part(ByteView bytes, const Extent& extent) { return bytes.subspan(extent.offset, extent.size); }

struct Packed {
    Piece piece;
    Digest digest{Digest::Bytes{}};
    Bytes payload;
};

// One thread's.
class Packer {
public:
    Packer(ByteView old, ByteView now, int level) : old_(old), now_(now), compressor_(level) {}

    Packed pack(const Piece& piece) {
        Packed packed{piece, sha256(part(now_, piece.made)), {}};
        if (piece.kind == Kind::patch || piece.kind == Kind::data) compress(packed);
        return packed;
    }

private:
    // A patch that saves little may save nothing.
    void compress(Packed& packed) {
        const ByteView made = part(now_, packed.piece.made);
        packed.payload = compressor_.pack(made, part(old_, packed.piece.old));
        if (packed.piece.kind == Kind::patch && packed.payload.size() > made.size() / 4)
            if (Bytes alone = compressor_.pack(made); alone.size() <= packed.payload.size()) {
                packed.payload = std::move(alone);
                packed.piece = {Kind::data, packed.piece.made, {}};
            }
        check(packed, made);
    }

    void check(const Packed& packed, ByteView made) {
        unpacked_.resize(made.size());
        const std::string fault = decompressor_.unpack(packed.payload, part(old_, packed.piece.old), unpacked_);
        if (!fault.empty() || !std::ranges::equal(unpacked_, made))
            throw Error(fmt::format("cannot pack bytes {} to {}: zstd unpacks something else", packed.piece.made.offset,
                                    packed.piece.made.offset + packed.piece.made.size));
    }

    ByteView old_, now_;
    delta::Compressor compressor_;
    delta::Decompressor decompressor_;
    Bytes unpacked_;
};

// How many pieces from the first on make at most a batch.
std::size_t batch_of(std::span<const Piece> pieces) {
    std::uint64_t size = 0;
    std::size_t count = 0;
    while (count < pieces.size() && (size += pieces[count].made.size) <= batch_size) ++count;
    return std::max<std::size_t>(count, 1);
}

} // namespace

void pack(ByteView old, ByteView now, std::span<const Piece> pieces, int level, Renderer& renderer, const Take& take) {
    Activity activity(renderer, "packing");
    std::atomic<std::uint64_t> done = 0;
    while (!pieces.empty()) {
        const auto batch = pieces.first(batch_of(pieces));
        std::vector<Packed> packed(batch.size());
        in_parallel(
            batch.size(), [&] { return std::make_unique<Packer>(old, now, level); },
            [&](std::size_t i, const std::unique_ptr<Packer>& packer) {
                packed[i] = packer->pack(batch[i]);
                activity.bytes(done += batch[i].made.size, now.size());
            });
        for (const Packed& one : packed) take(one.piece, one.digest, one.payload);
        pieces = pieces.subspan(batch.size());
    }
}

} // namespace ashlar::deltas

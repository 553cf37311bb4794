#include <delta/compression.hpp>

#include <base/error.hpp>

#include <fmt/format.h>
#include <string>

#include <zstd.h>

namespace ashlar::delta {

namespace {

struct Free {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

// Wide enough for a whole piece behind a whole old piece: 8 MiB.
constexpr int window = 23;

std::size_t checked(std::size_t outcome) {
    if (ZSTD_isError(outcome) != 0) throw Error(fmt::format("cannot compress: {}", ZSTD_getErrorName(outcome)));
    return outcome;
}

} // namespace

struct Compressor::State {
    std::unique_ptr<ZSTD_CCtx, Free> context{ZSTD_createCCtx()};
};

Compressor::Compressor(int level) : state_(std::make_unique<State>()) {
    ZSTD_CCtx* const context = state_->context.get();
    if (context == nullptr) throw Error("cannot compress: out of memory");
    checked(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level));
    checked(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window));
    checked(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0));
}

Compressor::~Compressor() = default;

Bytes Compressor::pack(ByteView bytes, ByteView old) {
    ZSTD_CCtx* const context = state_->context.get();
    if (!old.empty()) checked(ZSTD_CCtx_refPrefix(context, old.data(), old.size())); // for one frame
    Bytes frame(ZSTD_compressBound(bytes.size()));
    frame.resize(checked(ZSTD_compress2(context, frame.data(), frame.size(), bytes.data(), bytes.size())));
    return frame;
}

struct Decompressor::State {
    std::unique_ptr<ZSTD_DCtx, Free> context{ZSTD_createDCtx()};
};

Decompressor::Decompressor() : state_(std::make_unique<State>()) {
    if (!state_->context) throw Error("cannot unpack: out of memory");
}

Decompressor::~Decompressor() = default;

std::string Decompressor::unpack(ByteView frame, ByteView old, std::span<std::byte> out) {
    ZSTD_DCtx* const context = state_->context.get();
    ZSTD_DCtx_reset(context, ZSTD_reset_session_and_parameters); // a failure leaves nothing behind
    if (!old.empty()) checked(ZSTD_DCtx_refPrefix(context, old.data(), old.size()));
    const std::size_t size = ZSTD_decompressDCtx(context, out.data(), out.size(), frame.data(), frame.size());
    if (ZSTD_isError(size) != 0) return ZSTD_getErrorName(size);
    if (size != out.size()) return fmt::format("it holds {} bytes, {} are right", size, out.size());
    return {};
}

} // namespace ashlar::delta

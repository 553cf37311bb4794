#pragma once

// The only door to zstd for operation files. Frames are plain RFC 8878 without checksum.

#include <signing/bytes.hpp>

#include <memory>

namespace ashlar::delta {

// For one thread. Keeps its working memory.
class Compressor {
public:
    explicit Compressor(int level);
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;
    ~Compressor();

    // One frame; the same input gives the same bytes. `old` is what the frame may refer to; empty for none.
    [[nodiscard]] Bytes pack(ByteView bytes, ByteView old = {});

private:
    struct State;
    std::unique_ptr<State> state_;
};

// For one thread.
class Decompressor {
public:
    Decompressor();
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;
    ~Decompressor();

    // Fills `out` exactly from one whole frame. Nothing is wrong: empty; otherwise the cause as text.
    [[nodiscard]] std::string unpack(ByteView frame, ByteView old, std::span<std::byte> out);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace ashlar::delta

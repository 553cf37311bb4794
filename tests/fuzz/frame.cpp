// Frames of a site's channel, as whoever holds the key may send them: refused, or written again as they came.

#include <base/error.hpp>
#include <channel/frame.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace ashlar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes = std::as_bytes(std::span(data, size));
    if (bytes.size() < channel::frame_header_size) return 0;
    try {
        const ByteView rest = bytes.subspan(channel::frame_header_size);
        const std::size_t announced = channel::frame_size(bytes);
        if (announced > rest.size()) return 0;
        const ByteView body = rest.first(announced);
        if (!std::ranges::equal(channel::frame_of(channel::message_in(body)), bytes.first(channel::frame_header_size + announced))) std::abort();
    } catch (const Error&) { // refused
    }
    return 0;
}

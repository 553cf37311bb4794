#include <channel/frame.hpp>

#include <base/error.hpp>
#include <channel/channel.hpp>
#include <tuf/metadata.hpp>

#include <fmt/format.h>

namespace ashlar::channel {

namespace {

Error refusal(std::string_view verb, std::string_view cause) { return Error(fmt::format("cannot {} 'message': {}", verb, cause)); }

} // namespace

Bytes frame_of(const Json& message) {
    const std::string text = tuf::canonical_json(message);
    if (text.size() > most_frame) throw refusal("send", fmt::format("it has {} bytes, more than {}", text.size(), most_frame));
    (void)message_in(bytes_of(text)); // the other side would refuse what we refuse
    Bytes frame;
    for (int shift = 24; shift >= 0; shift -= 8) frame.push_back(static_cast<std::byte>(text.size() >> static_cast<unsigned>(shift) & 0xff));
    append(frame, text);
    return frame;
}

std::size_t frame_size(ByteView header) {
    std::size_t size = 0;
    for (const std::byte digit : header.first(frame_header_size)) size = size << 8 | std::to_integer<std::size_t>(digit);
    if (size == 0 || size > most_frame) throw refusal("receive", fmt::format("its length is {} bytes, not 1 to {}", size, most_frame));
    return size;
}

Json message_in(ByteView body) {
    Json message = parse_strict_json(text_of(body), "message");
    if (!message.is_object() || tuf::canonical_json(message) != text_of(body)) throw refusal("read", "it is not an object in canonical JSON");
    return message;
}

} // namespace ashlar::channel

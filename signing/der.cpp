#include "der.hpp"

#include <algorithm>
#include <charconv>

namespace ashlar::der {

namespace {

Bytes header(unsigned char tag, std::size_t size) {
    Bytes bytes{static_cast<std::byte>(tag)};
    if (size < 0x80) {
        bytes.push_back(static_cast<std::byte>(size));
        return bytes;
    }
    Bytes digits;
    for (std::size_t rest = size; rest != 0; rest >>= 8) digits.insert(digits.begin(), static_cast<std::byte>(rest & 0xff));
    bytes.push_back(static_cast<std::byte>(0x80 | digits.size()));
    append(bytes, digits);
    return bytes;
}

void append_base_128(Bytes& to, unsigned long number) {
    Bytes digits{static_cast<std::byte>(number & 0x7f)};
    while ((number >>= 7) != 0) digits.insert(digits.begin(), static_cast<std::byte>(0x80 | (number & 0x7f)));
    append(to, digits);
}

} // namespace

Bytes element(Tag tag, ByteView contents) {
    Bytes bytes = header(static_cast<unsigned char>(tag), contents.size());
    append(bytes, contents);
    return bytes;
}

Bytes element(Tag tag, std::initializer_list<Bytes> parts) {
    Bytes contents;
    for (const Bytes& part : parts) append(contents, part);
    return element(tag, contents);
}

Bytes integer(unsigned char small) { return element(Tag::integer, Bytes{static_cast<std::byte>(small)}); }

Bytes set_of(std::vector<Bytes> elements, Tag tag) {
    std::ranges::sort(elements);
    Bytes contents;
    for (const Bytes& one : elements) append(contents, one);
    return element(tag, contents);
}

Bytes object_identifier(std::string_view dotted) {
    std::vector<unsigned long> arcs;
    for (const char* at = dotted.data(); at <= dotted.data() + dotted.size();) {
        unsigned long arc = 0;
        at = std::from_chars(at, dotted.data() + dotted.size(), arc).ptr + 1;
        arcs.push_back(arc);
    }
    Bytes contents;
    append_base_128(contents, arcs[0] * 40 + arcs[1]);
    for (std::size_t i = 2; i < arcs.size(); ++i) append_base_128(contents, arcs[i]);
    return element(Tag::object_identifier, contents);
}

Bytes algorithm(std::string_view dotted) {
    return element(Tag::sequence, {object_identifier(dotted), element(Tag::null, ByteView{})});
}

std::optional<Element> first(ByteView bytes) {
    if (bytes.size() < 2) return std::nullopt;
    std::size_t at = 2, size = std::to_integer<std::size_t>(bytes[1]);
    if (size >= 0x80) {
        const std::size_t digits = size & 0x7f;
        if (digits == 0 || digits > 4 || bytes.size() < 2 + digits) return std::nullopt;
        size = 0;
        for (; at < 2 + digits; ++at) size = size << 8 | std::to_integer<std::size_t>(bytes[at]);
    }
    if (bytes.size() - at < size) return std::nullopt;
    return Element{std::to_integer<unsigned char>(bytes[0]), bytes.subspan(at, size), bytes.first(at + size)};
}

} // namespace ashlar::der

#pragma once

// Private to this module: writing DER (X.690), and reading just enough of it to step through a
// structure. A signature must be the same bytes each time and be laid out as firmware expects, which
// is easier to see when the bytes are put down here than when a library chooses them.

#include <signing/bytes.hpp>

#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

namespace ashlar::der {

enum class Tag : unsigned char {
    integer = 0x02,
    bit_string = 0x03,
    octet_string = 0x04,
    null = 0x05,
    object_identifier = 0x06,
    sequence = 0x30,
    set = 0x31,
    context_0 = 0x80,             // primitive
    context_0_constructed = 0xa0,
    context_2_constructed = 0xa2,
};

[[nodiscard]] Bytes element(Tag tag, ByteView contents);
[[nodiscard]] Bytes element(Tag tag, std::initializer_list<Bytes> parts);
[[nodiscard]] Bytes integer(unsigned char small);
// SET OF: elements in the order DER wants.
[[nodiscard]] Bytes set_of(std::vector<Bytes> elements, Tag tag = Tag::set);
// "1.2.840.113549.1.7.2"
[[nodiscard]] Bytes object_identifier(std::string_view dotted);
// SEQUENCE { OID, NULL }
[[nodiscard]] Bytes algorithm(std::string_view dotted);

struct Element {
    unsigned char tag;
    ByteView contents;
    ByteView whole; // tag, length and contents
};
// The first element of `bytes`; nothing when there is no whole one (or its length is not definite).
[[nodiscard]] std::optional<Element> first(ByteView bytes);

} // namespace ashlar::der

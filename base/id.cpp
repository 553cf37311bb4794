#include <base/id.hpp>

#include <base/random.hpp>
#include <base/text.hpp>

#include <algorithm>

namespace ashlar {

std::string id_text(const IdBytes& bytes) { return to_hex(bytes); }

std::optional<IdBytes> parse_id_bytes(std::string_view text) {
    const auto read = from_hex(text);
    IdBytes bytes{};
    if (!read || read->size() != bytes.size() || to_hex(*read) != text) return std::nullopt;
    std::ranges::copy(*read, bytes.begin());
    return bytes;
}

IdBytes random_id_bytes() {
    IdBytes bytes{};
    fill_with_random(bytes);
    return bytes;
}

} // namespace ashlar

#include <journald/entry.hpp>

#include <cstdint>

namespace ashlar::journald {

namespace {

// "NAME=value\n"; a value with line ends has its length in front, as 64 bits, little-endian.
void append(std::string& to, std::string_view name, std::string_view value) {
    to += name;
    if (value.find('\n') == std::string_view::npos) {
        to += '=';
    } else {
        to += '\n';
        const std::uint64_t size = value.size();
        for (unsigned byte = 0; byte < 8; ++byte) to += static_cast<char>(size >> (8 * byte) & 0xff);
    }
    to += value;
    to += '\n';
}

} // namespace

std::string datagram_of(const Entry& entry, std::string_view identifier) {
    std::string datagram;
    append(datagram, "MESSAGE", entry.text);
    append(datagram, "MESSAGE_ID", entry.message_id);
    append(datagram, "PRIORITY", std::to_string(static_cast<int>(entry.priority)));
    append(datagram, "SYSLOG_IDENTIFIER", identifier);
    for (const auto& [name, value] : entry.fields) append(datagram, name, value);
    return datagram;
}

} // namespace ashlar::journald

#pragma once

// An entry of the system's journal with fields, as its native protocol takes it
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL). Which entries there are: docs/formats/journal-fields.md.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ashlar::journald {

enum class Priority { error = 3, warning = 4, notice = 5, info = 6 }; // as syslog(3) counts

struct Entry {
    std::string_view message_id; // 32 lower-case hexadecimal digits, of static storage
    std::string text;            // MESSAGE: for people
    std::vector<std::pair<std::string, std::string>> fields; // names of 'A' to 'Z' and '_'
    Priority priority = Priority::info;
    bool operator==(const Entry&) const = default;
};

// One datagram. Values may have any bytes.
[[nodiscard]] std::string datagram_of(const Entry& entry, std::string_view identifier);

} // namespace ashlar::journald

#include <bundle/entry.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace {

// POSIX.1-1988, "ustar": offsets by the order of the members.
struct Header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
    char linkname[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], padding[12];
};
static_assert(sizeof(Header) == entry_block);

constexpr char regular_file = '0', extended_header = 'x';
constexpr std::uint64_t latest_time = largest_small_entry; // the same eleven digits

template <std::size_t N> void octal(char (&field)[N], std::uint64_t value) {
    field[N - 1] = '\0';
    for (std::size_t i = N - 1; i-- > 0; value >>= 3U) field[i] = static_cast<char>('0' + (value & 7U));
}

template <std::size_t N> void text(char (&field)[N], std::string_view value) { std::memcpy(field, value.data(), std::min(value.size(), N)); }

template <std::size_t N> std::optional<std::uint64_t> number_in(const char (&field)[N]) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i + 1 < N; ++i) {
        if (field[i] < '0' || field[i] > '7') return std::nullopt;
        value = value << 3U | static_cast<unsigned>(field[i] - '0');
    }
    return value;
}

void seal(Header& header) {
    std::memset(header.checksum, ' ', sizeof header.checksum);
    unsigned sum = 0;
    for (const std::byte byte : std::as_bytes(std::span(&header, 1))) sum += std::to_integer<unsigned>(byte);
    fmt::format_to_n(header.checksum, 6, "{:06o}", sum);
    header.checksum[6] = '\0';
}

std::string block_of(std::string_view name, char type, std::uint64_t size, std::uint64_t time) {
    Header header{};
    text(header.name, name);
    octal(header.mode, 0644);
    octal(header.uid, 0);
    octal(header.gid, 0);
    octal(header.size, size);
    octal(header.mtime, time);
    header.type = type;
    text(header.magic, std::string_view("ustar", 6));
    text(header.version, "00");
    octal(header.major, 0);
    octal(header.minor, 0);
    seal(header);
    return {reinterpret_cast<const char*>(&header), sizeof header};
}

// "<length> <key>=<value>\n", where the length counts its own digits.
std::string pax_line(std::string_view key, std::string_view value) {
    const std::size_t body = key.size() + value.size() + 3;
    std::size_t length = body + 1;
    while (fmt::formatted_size("{}", length) + body != length) ++length;
    return fmt::format("{} {}={}\n", length, key, value);
}

std::string pax_of(const Entry& entry) {
    std::string lines;
    if (entry.name.size() > longest_short_name) lines += pax_line("path", entry.name);
    if (entry.size > largest_small_entry) lines += pax_line("size", fmt::to_string(entry.size));
    return lines;
}

std::uint64_t time_in(const Entry& entry) {
    if (entry.time < 0 || static_cast<std::uint64_t>(entry.time) > latest_time)
        throw Error(fmt::format("cannot write '{}': its time does not fit into tar", entry.name));
    return static_cast<std::uint64_t>(entry.time);
}

Header as_header(std::string_view block) {
    Header header{};
    std::memcpy(&header, block.data(), std::min(block.size(), sizeof header));
    return header;
}

std::string_view name_in(const Header& header) { return {header.name, ::strnlen(header.name, sizeof header.name)}; }

} // namespace

std::string header_of(const Entry& entry) {
    const std::uint64_t time = time_in(entry);
    std::string bytes;
    if (const std::string pax = pax_of(entry); !pax.empty()) {
        bytes += block_of("pax", extended_header, pax.size(), time) + pax;
        bytes.resize(bytes.size() + padding_of(pax.size()), '\0');
    }
    return bytes + block_of(entry.name, regular_file, entry.size > largest_small_entry ? 0 : entry.size, time);
}

std::optional<Entry> short_entry(std::string_view block) {
    const Header header = as_header(block);
    const auto size = number_in(header.size), time = number_in(header.mtime);
    if (!size || !time) return std::nullopt;
    Entry entry{.name = std::string(name_in(header)), .size = *size, .time = static_cast<std::int64_t>(*time)};
    if (header_of(entry) != block) return std::nullopt;
    return entry;
}

std::string claimed_name(std::string_view block) {
    const Header header = as_header(block);
    std::string name(name_in(header));
    std::ranges::replace_if(name, [](char c) { return c < ' ' || c > '~'; }, '?');
    return name;
}

} // namespace ashlar::bundle

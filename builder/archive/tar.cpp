#include <archive/tar.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>

#include <fmt/format.h>

namespace ashlar::archive {

namespace {

constexpr std::size_t block = 512;
constexpr std::size_t record = 20 * block;

// POSIX.1-1988, "ustar": offsets by the order of the members.
struct Header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type;
    char linkname[100], magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], padding[12];
};
static_assert(sizeof(Header) == block);

char type_flag(TarType type) {
    switch (type) {
    case TarType::file: return '0';
    case TarType::hard_link: return '1';
    case TarType::symlink: return '2';
    case TarType::character_device: return '3';
    case TarType::block_device: return '4';
    case TarType::directory: return '5';
    case TarType::fifo: return '6';
    }
    return '0';
}

std::string stored_path(const TarEntry& entry) {
    if (entry.path.empty()) return "./";
    return entry.type == TarType::directory ? entry.path + "/" : entry.path;
}

template <std::size_t N> constexpr std::uint64_t octal_limit = std::uint64_t{1} << (3 * (N - 1));

// N-1 octal digits and a NUL; what does not fit is in the pax header, and here is 0.
template <std::size_t N> void octal(char (&field)[N], std::uint64_t value) {
    if (value >= octal_limit<N>) value = 0;
    field[N - 1] = '\0';
    for (std::size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
}

template <std::size_t N> void text(char (&field)[N], std::string_view value) {
    std::memcpy(field, value.data(), std::min(value.size(), N));
}

void seal(Header& header) {
    std::memset(header.checksum, ' ', sizeof header.checksum);
    unsigned sum = 0;
    for (const std::byte byte : std::as_bytes(std::span(&header, 1))) sum += std::to_integer<unsigned>(byte);
    fmt::format_to_n(header.checksum, 7, "{:06o}", sum);
    header.checksum[6] = '\0';
    header.checksum[7] = ' ';
}

Header make_header(std::string_view path, char type, std::uint64_t size) {
    Header header{};
    text(header.name, path);
    octal(header.mode, 0644);
    octal(header.uid, 0);
    octal(header.gid, 0);
    octal(header.size, size);
    octal(header.mtime, 0);
    header.type = type;
    text(header.magic, std::string_view("ustar", 6));
    text(header.version, "00");
    octal(header.major, 0);
    octal(header.minor, 0);
    return header;
}

// "<length> <key>=<value>\n", where the length counts its own digits.
std::string pax_line(std::string_view key, std::string_view value) {
    const std::size_t body = key.size() + value.size() + 3;
    std::size_t length = body + 1;
    while (fmt::formatted_size("{}", length) + body != length) ++length;
    return fmt::format("{} {}={}\n", length, key, value);
}

std::string pax_of(const TarEntry& entry, std::string_view path, std::uint64_t size) {
    std::string lines;
    if (path.size() > sizeof Header::name) lines += pax_line("path", path);
    if (entry.target.size() > sizeof Header::linkname) lines += pax_line("linkpath", entry.target);
    if (size >= octal_limit<sizeof Header::size>) lines += pax_line("size", fmt::to_string(size));
    if (entry.uid >= octal_limit<sizeof Header::uid>) lines += pax_line("uid", fmt::to_string(entry.uid));
    if (entry.gid >= octal_limit<sizeof Header::gid>) lines += pax_line("gid", fmt::to_string(entry.gid));
    if (entry.mtime < 0 || static_cast<std::uint64_t>(entry.mtime) >= octal_limit<sizeof Header::mtime>)
        lines += pax_line("mtime", fmt::to_string(entry.mtime));
    for (const auto& [name, value] : entry.xattrs) lines += pax_line("SCHILY.xattr." + name, value);
    return lines;
}

std::size_t padding(std::uint64_t size, std::size_t unit) {
    return static_cast<std::size_t>((unit - size % unit) % unit);
}

std::string_view as_text(const Header& header) { return {reinterpret_cast<const char*>(&header), sizeof header}; }

} // namespace

void OutputBuffer::put(std::string_view text) { put(std::as_bytes(std::span(text.data(), text.size()))); }

void OutputBuffer::put(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        if (fill_ == buffer_.size()) flush();
        const std::size_t part = std::min(bytes.size(), buffer_.size() - fill_);
        std::memcpy(buffer_.data() + fill_, bytes.data(), part);
        fill_ += part;
        bytes = bytes.subspan(part);
    }
}

void OutputBuffer::zeros(std::size_t count) {
    static constexpr std::array<std::byte, record> nothing{};
    for (; count > nothing.size(); count -= nothing.size()) put(nothing);
    put(std::span(nothing).first(count));
}

void OutputBuffer::copy(const std::filesystem::path& source, std::uint64_t size) {
    const Fd fd = open_file(source, O_RDONLY);
    const auto changed = [&](std::string_view how) {
        return Error(fmt::format("cannot copy '{}': it is {} than the {} bytes announced", source.native(), how, size),
                     "something else writes to it; leave it alone and run again");
    };
    std::uint64_t left = size;
    while (left > 0) {
        if (fill_ == buffer_.size()) flush();
        const auto room = std::span(buffer_).subspan(fill_);
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), left));
        const std::size_t got = read_some(fd.get(), room.first(want), source.native());
        if (got == 0) throw changed("shorter");
        fill_ += got;
        left -= got;
    }
    std::byte more{};
    if (read_some(fd.get(), {&more, 1}, source.native()) != 0) throw changed("longer");
}

void OutputBuffer::flush() {
    write_all(fd_, std::span(buffer_).first(fill_), name_);
    written_ += std::exchange(fill_, 0);
}

void TarWriter::header(const TarEntry& entry, std::uint64_t size) {
    const std::string path = stored_path(entry);
    if (const std::string pax = pax_of(entry, path, size); !pax.empty()) {
        // The name of an extended header means nothing to a reader that knows them.
        Header extended = make_header("pax", 'x', pax.size());
        seal(extended);
        out_.put(as_text(extended));
        out_.put(pax);
        out_.zeros(padding(pax.size(), block));
    }
    Header header = make_header(path, type_flag(entry.type), size);
    octal(header.mode, entry.mode & 07777U);
    octal(header.uid, entry.uid);
    octal(header.gid, entry.gid);
    octal(header.mtime, entry.mtime < 0 ? 0 : static_cast<std::uint64_t>(entry.mtime));
    text(header.linkname, entry.target);
    octal(header.major, entry.device_major);
    octal(header.minor, entry.device_minor);
    seal(header);
    out_.put(as_text(header));
}

void TarWriter::add(const TarEntry& entry) { header(entry, 0); }

void TarWriter::add_file(const TarEntry& entry, const std::filesystem::path& source) {
    header(entry, entry.size);
    out_.copy(source, entry.size);
    out_.zeros(padding(entry.size, block));
}

void TarWriter::add(const TarEntry& entry, std::string_view contents) {
    header(entry, contents.size());
    out_.put(contents);
    out_.zeros(padding(contents.size(), block));
}

void TarWriter::finish() {
    out_.zeros(2 * block);
    out_.zeros(padding(out_.written(), record));
    out_.flush();
}

} // namespace ashlar::archive

#include <archive/deb.hpp>

#include "reader.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

namespace ashlar::archive {

namespace {

constexpr std::uint64_t control_limit = std::uint64_t{64} << 20;
constexpr std::size_t entry_limit = 2'000'000;

[[noreturn]] void refuse(std::string_view package, std::string_view why) {
    throw Error(fmt::format("cannot read '{}': {}", package, why));
}

// ---- ar(5) ------------------------------------------------------------------------------------

constexpr std::string_view ar_magic = "!<arch>\n";

struct ArHeader {
    char name[16], mtime[12], uid[6], gid[6], mode[8], size[10], magic[2];
};
static_assert(sizeof(ArHeader) == 60);

std::size_t read_at(int fd, std::uint64_t offset, std::span<std::byte> buffer, std::string_view name) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const ssize_t got = ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw system_error("read", name);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

std::string_view member_name(const ArHeader& header) {
    std::string_view name(header.name, sizeof header.name);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.ends_with('/')) name.remove_suffix(1); // as System V writes names
    return name;
}

std::optional<std::uint64_t> member_size(const ArHeader& header) {
    const std::string_view digits = trim(std::string_view(header.size, sizeof header.size));
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return size;
}

bool is_tar_member(std::string_view name, std::string_view stem) {
    if (!name.starts_with(stem)) return false;
    const std::string_view suffix = name.substr(stem.size());
    constexpr std::string_view known[] = {"", ".gz", ".xz", ".zst", ".bz2", ".lzma"};
    return std::ranges::find(known, suffix) != std::end(known);
}

// ---- one member as the source of a tar --------------------------------------------------------

// What libarchive's callbacks work on. An exception must not cross libarchive, so an errno waits here.
struct Section {
    int fd;
    std::uint64_t position, end;
    std::vector<std::byte> buffer = std::vector<std::byte>(1 << 17);
};

la_ssize_t read_section(struct ::archive* reader, void* data, const void** bytes) {
    auto& section = *static_cast<Section*>(data);
    const auto want =
        static_cast<std::size_t>(std::min<std::uint64_t>(section.buffer.size(), section.end - section.position));
    ssize_t got = 0;
    do got = ::pread(section.fd, section.buffer.data(), want, static_cast<off_t>(section.position));
    while (got < 0 && errno == EINTR);
    if (got < 0) ::archive_set_error(reader, errno, "%s", ::strerror(errno));
    if (got > 0) section.position += static_cast<std::uint64_t>(got);
    *bytes = section.buffer.data();
    return got;
}

Reader open_tar(Section& section, std::string_view package) {
    Reader reader = make_reader();
    ::archive_read_support_format_tar(reader.get());
    if (::archive_read_open(reader.get(), &section, nullptr, read_section, nullptr) != ARCHIVE_OK)
        fail(reader.get(), "read", package);
    return reader;
}

// Null at the end.
struct ::archive_entry* next_entry(struct ::archive* reader, std::string_view package) {
    struct ::archive_entry* entry = nullptr;
    const int status = ::archive_read_next_header(reader, &entry);
    if (status == ARCHIVE_EOF) return nullptr;
    if (status != ARCHIVE_OK) fail(reader, "read", package);
    return entry;
}

template <typename Sink>
void read_contents(struct ::archive* reader, std::uint64_t size, std::string_view package, Sink sink) {
    std::uint64_t position = 0;
    for (;;) {
        const void* data = nullptr;
        std::size_t length = 0;
        la_int64_t offset = 0;
        const int status = ::archive_read_data_block(reader, &data, &length, &offset);
        if (status == ARCHIVE_EOF) break;
        if (status != ARCHIVE_OK) fail(reader, "read", package);
        if (static_cast<std::uint64_t>(offset) != position || length > size - position)
            refuse(package, "a file has other data than its header says");
        position += length;
        sink(std::span(static_cast<const std::byte*>(data), length));
    }
    if (position != size) refuse(package, "a file has less data than its header says");
}

// ---- entries ----------------------------------------------------------------------------------

std::string_view text_of(const char* raw, const char* utf8) {
    // A pax header's name that the C locale cannot express is only there as UTF-8.
    return raw != nullptr ? raw : utf8 != nullptr ? utf8 : "";
}

std::string normal_path(std::string_view stored, std::string_view package) {
    const auto bad = [&](std::string_view why) { refuse(package, fmt::format("its entry '{}' {}", stored, why)); };
    if (stored.empty()) bad("has no name");
    std::string_view path = stored;
    if (path == "." || path == "./") return {};
    if (path.starts_with("./")) path.remove_prefix(2);
    if (path.ends_with('/')) path.remove_suffix(1);
    if (path.starts_with('/')) bad("is absolute");
    if (path.size() > 4095) bad("has too long a name");
    if (path.find('\n') != std::string_view::npos) bad("has a newline in its name");
    for (const std::string_view component : split(path, '/')) {
        if (component.empty() || component == ".") bad("is not written in its shortest form");
        if (component == "..") bad("leads out of the root");
        if (component.size() > 255) bad("has too long a name");
    }
    return std::string(path);
}

DebEntryType type_of(struct ::archive_entry* entry, std::string_view path, std::string_view package) {
    const auto bad = [&](std::string_view what) {
        refuse(package, fmt::format("its entry '{}' is {}, which no package may bring", path, what));
    };
    if (::archive_entry_hardlink(entry) != nullptr || ::archive_entry_hardlink_utf8(entry) != nullptr)
        return DebEntryType::hard_link;
    switch (::archive_entry_filetype(entry)) {
    case AE_IFREG: return DebEntryType::file;
    case AE_IFDIR: return DebEntryType::directory;
    case AE_IFLNK: return DebEntryType::symlink;
    case AE_IFCHR: bad("a character device"); break;
    case AE_IFBLK: bad("a block device"); break;
    case AE_IFIFO: bad("a FIFO"); break;
    default: bad("of an unknown kind"); break;
    }
    return DebEntryType::file;
}

std::uint32_t owner(la_int64_t id, std::string_view path, std::string_view package) {
    if (id < 0 || id >= 0xffffffff)
        refuse(package, fmt::format("its entry '{}' has the impossible owner {}", path, id));
    return static_cast<std::uint32_t>(id);
}

std::map<std::string, std::string> xattrs_of(struct ::archive_entry* entry) {
    std::map<std::string, std::string> xattrs;
    ::archive_entry_xattr_reset(entry);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
        xattrs.emplace(name, std::string(static_cast<const char*>(value), size));
    return xattrs;
}

void set_target(DebEntry& result, struct ::archive_entry* entry, std::string_view package) {
    if (result.type == DebEntryType::symlink) {
        result.target = text_of(::archive_entry_symlink(entry), ::archive_entry_symlink_utf8(entry));
        if (result.target.empty() || result.target.size() > 4095)
            refuse(package, fmt::format("its symbolic link '{}' has no usable target", result.path));
    } else if (result.type == DebEntryType::hard_link) {
        result.target =
            normal_path(text_of(::archive_entry_hardlink(entry), ::archive_entry_hardlink_utf8(entry)), package);
    }
}

DebEntry describe(struct ::archive_entry* entry, std::string_view package) {
    DebEntry result;
    result.path = normal_path(text_of(::archive_entry_pathname(entry), ::archive_entry_pathname_utf8(entry)), package);
    result.type = type_of(entry, result.path, package);
    if (result.path.empty() && result.type != DebEntryType::directory) refuse(package, "its root is not a directory");
    if (::archive_entry_sparse_count(entry) > 0)
        refuse(package, fmt::format("its entry '{}' is a sparse file, which no package may bring", result.path));
    result.mode = static_cast<unsigned>(::archive_entry_perm(entry)) & 07777U;
    result.uid = owner(::archive_entry_uid(entry), result.path, package);
    result.gid = owner(::archive_entry_gid(entry), result.path, package);
    result.mtime = ::archive_entry_mtime(entry);
    if (result.type == DebEntryType::file) {
        const la_int64_t size = ::archive_entry_size(entry);
        if (size < 0) refuse(package, fmt::format("its entry '{}' has a negative size", result.path));
        result.size = static_cast<std::uint64_t>(size);
    }
    set_target(result, entry, package);
    result.xattrs = xattrs_of(entry);
    return result;
}

} // namespace

Deb::Deb(const std::filesystem::path& path) : Deb(open_file(path, O_RDONLY), path.native()) {}

Deb::Deb(Fd file, std::string name) : file_(std::move(file)), name_(std::move(name)) {
    read_members();
    read_control();
}

void Deb::read_members() {
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0) throw system_error("read", name_);
    const auto end = static_cast<std::uint64_t>(info.st_size);
    std::string magic(ar_magic.size(), '\0');
    read_at(file_.get(), 0, std::as_writable_bytes(std::span(magic)), name_);
    if (magic != ar_magic) refuse(name_, "it is not a Debian package");

    bool has_version = false;
    std::optional<Member> control, data;
    std::uint64_t offset = ar_magic.size();
    while (offset < end) {
        ArHeader header{};
        if (read_at(file_.get(), offset, std::as_writable_bytes(std::span(&header, 1)), name_) != sizeof header)
            refuse(name_, "it is truncated");
        const std::string name(member_name(header));
        const auto size = member_size(header);
        if (std::string_view(header.magic, 2) != "`\n" || !size) refuse(name_, "its table of members is damaged");
        const Member member{offset + sizeof header, *size};
        if (*size > end - member.offset) refuse(name_, fmt::format("it is truncated inside '{}'", name));

        if (!has_version) {
            std::string version(static_cast<std::size_t>(std::min<std::uint64_t>(*size, 16)), '\0');
            read_at(file_.get(), member.offset, std::as_writable_bytes(std::span(version)), name_);
            if (name != "debian-binary") refuse(name_, "its first member is not 'debian-binary'");
            if (!version.starts_with("2.")) refuse(name_, "its format is not version 2");
            has_version = true;
        } else if (name.starts_with('_')) {
            // deb(5): reserved for local use, to be ignored.
        } else if (is_tar_member(name, "control.tar")) {
            if (control) refuse(name_, "it has 'control.tar' twice");
            control = member;
        } else if (is_tar_member(name, "data.tar")) {
            if (data) refuse(name_, "it has 'data.tar' twice");
            if (!control) refuse(name_, "'data.tar' comes before 'control.tar'");
            data = member;
        } else {
            refuse(name_, fmt::format("it has the unknown member '{}'", name));
        }
        offset = member.offset + *size + (*size & 1);
    }
    if (!has_version) refuse(name_, "it has no member 'debian-binary'");
    if (!control) refuse(name_, "it has no member 'control.tar'");
    if (!data) refuse(name_, "it has no member 'data.tar'");
    control_member_ = *control;
    data_member_ = *data;
}

void Deb::read_control() {
    Section section{file_.get(), control_member_.offset, control_member_.offset + control_member_.size};
    const Reader reader = open_tar(section, name_);
    std::uint64_t total = 0;
    while (struct ::archive_entry* raw = next_entry(reader.get(), name_)) {
        const DebEntry entry = describe(raw, name_);
        if (entry.path.empty()) continue;
        if (entry.type != DebEntryType::file || entry.path.find('/') != std::string::npos || entry.path.size() > 100)
            refuse(name_, fmt::format("its control member '{}' is not a plain file", entry.path));
        total += entry.size;
        if (total > control_limit) refuse(name_, fmt::format("its control part has more than {} bytes", control_limit));
        const auto [position, added] = control_.emplace(entry.path, ControlMember{.mode = entry.mode & 0777U});
        if (!added) refuse(name_, fmt::format("it has the control member '{}' twice", entry.path));
        read_contents(reader.get(), entry.size, name_,
                      [&text = position->second.text](std::span<const std::byte> bytes) {
                          text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                      });
    }
    if (!control_.contains("control")) refuse(name_, "it has no control member 'control'");
}

void Deb::read_data(DataVisitor& visitor, std::uint64_t limit) const {
    Section section{file_.get(), data_member_.offset, data_member_.offset + data_member_.size};
    const Reader reader = open_tar(section, name_);
    std::uint64_t total = 0;
    std::size_t count = 0;
    while (struct ::archive_entry* raw = next_entry(reader.get(), name_)) {
        const DebEntry entry = describe(raw, name_);
        if (++count > entry_limit) refuse(name_, fmt::format("it has more than {} entries", entry_limit));
        if (entry.size > limit - total) refuse(name_, fmt::format("more than {} bytes come out", limit));
        total += entry.size;
        visitor.entry(entry);
        if (entry.type == DebEntryType::file)
            read_contents(reader.get(), entry.size, name_,
                          [&](std::span<const std::byte> bytes) { visitor.contents(bytes); });
    }
}

} // namespace ashlar::archive

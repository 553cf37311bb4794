#include <archive/deb_writer.hpp>

#include "new_file.hpp"

#include <base/error.hpp>

#include <fcntl.h>
#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

namespace ashlar::archive {

namespace fs = std::filesystem;

namespace {

using Files = std::map<std::string, DebFile>;

std::uint64_t size_of(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) throw system_error("read", path.native(), error.value());
    return size;
}

void require_readable_by_dpkg(const TarEntry& entry) {
    const auto refuse = [&](std::string_view what) {
        return Error(fmt::format("cannot pack '{}': dpkg reads no {}", entry.path, what));
    };
    if (entry.path.size() > 98 || entry.target.size() > 99) throw refuse("names of 99 bytes or more in this format");
    if (!entry.xattrs.empty()) throw refuse("extended attributes");
}

void add_parents(Files& files, const std::string& path) {
    for (std::size_t slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/', slash - 1)) {
        const std::string parent = path.substr(0, slash);
        if (!files.try_emplace(parent, DebFile{{.path = parent, .type = TarType::directory, .mode = 0755}, {}}).second)
            return;
        if (slash == 0) return;
    }
}

// Sorted, so that parents come before what is in them.
Files arranged(const DebContents& contents) {
    Files files;
    for (const DebFile& file : contents.files) {
        require_readable_by_dpkg(file.entry);
        if (!files.emplace(file.entry.path, file).second)
            throw Error(fmt::format("cannot pack '{}': it is there twice", file.entry.path));
    }
    files.try_emplace("", DebFile{{.type = TarType::directory, .mode = 0755}, {}});
    for (const DebFile& file : contents.files) add_parents(files, file.entry.path);
    return files;
}

void add(TarWriter& tar, DebFile file, std::int64_t mtime) {
    file.entry.mtime = mtime;
    if (file.entry.type != TarType::file) return tar.add(file.entry);
    if (const auto* text = std::get_if<std::string>(&file.contents))
        return tar.add(file.entry, std::string_view(*text));
    const auto& source = std::get<fs::path>(file.contents);
    file.entry.size = size_of(source);
    tar.add_file(file.entry, source);
}

void write_tar(const fs::path& to, const Files& files, std::int64_t mtime) {
    NewFile out(to);
    TarWriter tar(out.fd(), out.name());
    for (const auto& [path, file] : files) add(tar, file, mtime);
    tar.finish();
    out.finish();
}

Files control_files(const DebContents& contents) {
    if (!contents.control.contains("control")) throw Error("cannot pack 'control': it is missing");
    Files files;
    files.emplace("", DebFile{{.type = TarType::directory, .mode = 0755}, {}});
    for (const auto& [name, member] : contents.control)
        files.emplace(name, DebFile{{.path = name, .mode = member.mode}, member.text});
    return files;
}

struct FreeWriter {
    void operator()(struct ::archive* writer) const noexcept { ::archive_write_free(writer); }
};

// One thread: with several, xz cuts its blocks by their number.
void compress_xz(const fs::path& from, const fs::path& to) {
    const std::unique_ptr<struct ::archive, FreeWriter> writer(::archive_write_new());
    const std::unique_ptr<struct ::archive_entry, decltype(&::archive_entry_free)> entry(::archive_entry_new(),
                                                                                         &::archive_entry_free);
    const auto check = [&](la_ssize_t status) {
        if (status < ARCHIVE_WARN)
            throw Error(fmt::format("cannot compress '{}': {}", from.native(), ::archive_error_string(writer.get())));
    };
    const std::string bytes = read_file(from);
    NewFile out(to);
    check(::archive_write_set_format_raw(writer.get()));
    check(::archive_write_add_filter_xz(writer.get()));
    check(::archive_write_set_filter_option(writer.get(), "xz", "threads", "1"));
    check(::archive_write_set_filter_option(writer.get(), "xz", "compression-level", "6"));
    check(::archive_write_set_bytes_in_last_block(writer.get(), 1));
    check(::archive_write_open_fd(writer.get(), out.fd()));
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    check(::archive_write_header(writer.get(), entry.get()));
    check(::archive_write_data(writer.get(), bytes.data(), bytes.size()));
    check(::archive_write_close(writer.get()));
    out.finish();
}

// The compressed file and the suffix of its name.
std::pair<fs::path, std::string_view> compress(const fs::path& tar, Compression compression) {
    fs::path to = tar;
    switch (compression) {
    case Compression::none: return {tar, ""};
    case Compression::xz: compress_xz(tar, to += ".xz"); return {to, ".xz"};
    case Compression::zstd: compress_zstd(tar, to += ".zst", 19, 1); return {to, ".zst"};
    default: throw Error("cannot write 'data.tar': packages are compressed by xz, zstd or not at all");
    }
}

void put_member(OutputBuffer& out, std::string_view name, std::int64_t mtime, std::uint64_t size) {
    out.put(fmt::format("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", name, mtime, 0, 0, "100644", size));
}

void put_member(OutputBuffer& out, std::string_view stem, std::int64_t mtime,
                const std::pair<fs::path, std::string_view>& part) {
    const std::uint64_t size = size_of(part.first);
    put_member(out, fmt::format("{}{}", stem, part.second), mtime, size);
    out.copy(part.first, size);
    if (size % 2 != 0) out.put("\n");
}

} // namespace

void write_deb(const fs::path& to, const DebContents& contents) {
    const TemporaryDirectory work(to.has_parent_path() ? to.parent_path() : fs::path("."));
    write_tar(work.path() / "control.tar", control_files(contents), contents.mtime);
    write_tar(work.path() / "data.tar", arranged(contents), contents.mtime);

    NewFile file(to);
    OutputBuffer out(file.fd(), file.name());
    out.put("!<arch>\n");
    put_member(out, "debian-binary", contents.mtime, 4);
    out.put("2.0\n");
    put_member(out, "control.tar", contents.mtime, compress(work.path() / "control.tar", contents.compression));
    put_member(out, "data.tar", contents.mtime, compress(work.path() / "data.tar", contents.compression));
    out.flush();
    file.finish();
}

} // namespace ashlar::archive

#include <bundle/writer.hpp>

#include <bundle/input.hpp>

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::bundle {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t small_parts = std::size_t{1} << 18U; // headers and metadata are collected up to here
constexpr std::size_t one_copy = std::size_t{1} << 30U;    // bytes asked of the kernel at once

fs::path directory_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

fs::path part_name(const fs::path& final_name) { return final_name.native() + ".part"; }

void sync(int fd, const fs::path& name) {
    if (::fsync(fd) != 0) throw system_error("sync", name.native());
}

// What the kernel does not copy between these two files (a pipe, another file system of an old kernel).
bool not_by_kernel(int error) { return error == EXDEV || error == EINVAL || error == EOPNOTSUPP || error == ENOSYS || error == EBADF || error == ETXTBSY; }

} // namespace

Output::Output(fs::path file, std::optional<std::uint64_t> split) : file_(std::move(file)), split_(split), name_(file_.native()) {}
Output::Output(Fd stream, std::string name) : name_(std::move(name)), fd_(std::move(stream)) {}

Output::~Output() {
    if (whole_ == Whole::yes) return;
    std::error_code ignored;
    for (const fs::path& piece : pieces_) fs::remove(part_name(piece), ignored);
}

void Output::expect(std::uint64_t size) {
    if (file_.empty()) return;
    if (split_ && (size + *split_ - 1) / *split_ > most_pieces)
        throw Error(fmt::format("cannot write '{}': {} in pieces of {} are more than {} pieces", name_, human_bytes(size), human_bytes(*split_), most_pieces), "take larger pieces");
    struct statvfs information {};
    if (::statvfs(directory_of(file_).c_str(), &information) != 0) throw system_error("look at", directory_of(file_).native());
    if (const std::uint64_t room = std::uint64_t{information.f_bavail} * information.f_frsize; size > room)
        throw Error(fmt::format("cannot write '{}': it needs {}, and {} are free", name_, human_bytes(size), human_bytes(room)), "make room, or take a directory on another file system");
}

void Output::open_piece() {
    if (fd_) sync(fd_.get(), pieces_.back());
    pieces_.push_back(split_ ? piece_name(file_, static_cast<unsigned>(pieces_.size()) + 1) : file_);
    fd_ = open_file(part_name(pieces_.back()), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    in_piece_ = 0;
}

// Bytes that still go into this piece; there is always one.
std::uint64_t Output::room() {
    if (file_.empty()) return one_copy;
    if (!fd_ || (split_ && in_piece_ == *split_)) open_piece();
    return split_ ? *split_ - in_piece_ : one_copy;
}

void Output::put(std::string_view bytes) {
    buffer_ += bytes;
    if (buffer_.size() >= small_parts) flush();
}

void Output::flush() {
    for (std::string_view left = buffer_; !left.empty();) {
        const std::string_view part = left.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left.size(), room())));
        write_all(fd_.get(), part, name_);
        in_piece_ += part.size();
        left.remove_prefix(part.size());
    }
    buffer_.clear();
}

std::uint64_t Output::copy_some(const Fd& from, const fs::path& name, std::uint64_t most) {
    const ssize_t by_kernel = file_.empty() ? -1 : ::copy_file_range(from.get(), nullptr, fd_.get(), nullptr, static_cast<std::size_t>(most), 0);
    if (by_kernel >= 0) return static_cast<std::uint64_t>(by_kernel);
    if (!file_.empty() && !not_by_kernel(errno)) throw system_error("write", name_);
    static thread_local Bytes buffer(std::size_t{1} << 20U);
    const std::size_t got = read_some(from.get(), std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), most))), name.native());
    write_all(fd_.get(), std::span(buffer).first(got), name_);
    return got;
}

void Output::copy(const fs::path& file, std::uint64_t size) {
    flush();
    const Fd from = open_file(file, O_RDONLY);
    for (std::uint64_t left = size; left > 0;) {
        const std::uint64_t got = copy_some(from, file, std::min<std::uint64_t>({left, room(), one_copy}));
        if (got == 0) throw Error(fmt::format("cannot copy '{}': it is shorter than the {} bytes announced", file.native(), size), "something else writes to it; leave it alone and run again");
        in_piece_ += got;
        left -= got;
    }
}

void Output::finish() {
    flush();
    if (file_.empty()) return fd_.close();
    sync(fd_.get(), pieces_.back());
    fd_.close();
    for (const fs::path& piece : pieces_)
        if (::rename(part_name(piece).c_str(), piece.c_str()) != 0) throw system_error("rename", piece.native());
    const Fd directory = open_file(directory_of(file_), O_RDONLY | O_DIRECTORY);
    sync(directory.get(), directory_of(file_));
    whole_ = Whole::yes;
}

} // namespace ashlar::bundle

#include "arrival.hpp"

#include <base/error.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ashlar::transfer {

namespace {

std::uint64_t size_of(const std::filesystem::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return 0;
    return static_cast<std::uint64_t>(info.st_size);
}

} // namespace

Arrival::Arrival(std::filesystem::path target, Expected expected)
    : target_(std::move(target)), expected_(std::move(expected)) {
    const std::uint64_t there = size_of(target_);
    if (wanted_size() == 0) { // nobody will send it
        open();
        close();
    }
    if (!wanted_size() || there == 0 || there > limit()) return;
    const Fd file = open_file(target_, O_RDONLY);
    std::array<std::byte, 1 << 16> buffer;
    while (const std::size_t got = read_some(file.get(), buffer, target_.native())) {
        hasher_.update(std::span(buffer).first(got));
        size_ += got;
    }
}

std::uint64_t Arrival::limit() const noexcept {
    return std::visit([](const auto& expected) { return expected.size; }, expected_);
}

std::optional<std::uint64_t> Arrival::wanted_size() const noexcept {
    if (const auto* exactly = std::get_if<Exactly>(&expected_)) return exactly->size;
    return std::nullopt;
}

void Arrival::open() {
    file_ = open_file(target_, O_WRONLY | O_CREAT, 0644);
    if (!wanted_size() && size_ > 0) restart();
    continued_ = size_ > 0;
    if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) throw system_error("truncate", target_.native());
    if (::lseek(file_.get(), static_cast<off_t>(size_), SEEK_SET) < 0) throw system_error("write", target_.native());
}

void Arrival::close() { file_.close(); }

void Arrival::restart() {
    hasher_ = Hasher();
    size_ = 0;
    continued_ = false;
    if (!file_) {
        if (::truncate(target_.c_str(), 0) != 0 && errno != ENOENT) throw system_error("truncate", target_.native());
        return;
    }
    if (::ftruncate(file_.get(), 0) != 0) throw system_error("truncate", target_.native());
    if (::lseek(file_.get(), 0, SEEK_SET) < 0) throw system_error("write", target_.native());
}

bool Arrival::append(std::span<const std::byte> bytes) {
    if (bytes.size() > limit() - size_) return false;
    write_all(file_.get(), bytes, target_.native());
    hasher_.update(bytes);
    size_ += bytes.size();
    return true;
}

Arrival::Verdict Arrival::judge() {
    const Digest digest = hasher_.finish();
    hasher_ = Hasher();
    const auto* exactly = std::get_if<Exactly>(&expected_);
    return {digest, exactly == nullptr || (exactly->size == size_ && exactly->sha256 == digest)};
}

} // namespace ashlar::transfer

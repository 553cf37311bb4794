#include <base/mapped_file.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ashlar {

MappedFile::MappedFile(const std::filesystem::path& path) {
    const Fd fd = open_file(path, O_RDONLY);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw system_error("read", path.native());
    const auto size = static_cast<std::size_t>(info.st_size);
    if (size == 0) return;
    // One system call for all pages instead of a fault for each few of them.
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd.get(), 0);
    if (memory == MAP_FAILED) throw system_error("read", path.native());
    text_ = {static_cast<const char*>(memory), size};
}

MappedFile::~MappedFile() {
    if (!text_.empty()) ::munmap(const_cast<char*>(text_.data()), text_.size());
}

std::span<const std::byte> MappedFile::pages() const noexcept {
    const auto page = static_cast<std::size_t>(::getpagesize());
    return {bytes().data(), (text_.size() + page - 1) / page * page};
}

} // namespace ashlar

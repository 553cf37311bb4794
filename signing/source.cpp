#include <signing/source.hpp>

#include <base/error.hpp>
#include <signing/extent.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace ashlar {

FileSource::FileSource(const std::filesystem::path& path) : name_(path.native()), file_(open_file(path, O_RDONLY)) {
    const off_t end = ::lseek(file_.get(), 0, SEEK_END); // also of a disk
    if (end < 0) throw system_error("read", name_);
    size_ = static_cast<std::uint64_t>(end);
}

void FileSource::read(std::uint64_t offset, std::span<std::byte> out) {
    read_at({file_.get(), 0, size_, name_}, offset, out);
}

Bytes read_bytes(const std::filesystem::path& path) {
    FileSource file(path);
    Bytes bytes(file.size());
    file.read(0, bytes);
    return bytes;
}

} // namespace ashlar

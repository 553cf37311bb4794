#pragma once

#include <base/file.hpp>

#include <filesystem>

namespace ashlar::archive {

// A file that must not exist before, and that is removed again unless the work on it came to its end.
class NewFile {
public:
    explicit NewFile(const std::filesystem::path& path);
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const std::string& name() const noexcept { return path_.native(); }
    void write(std::span<const std::byte> bytes) { write_all(fd_.get(), bytes, path_.native()); }
    void finish() { fd_.close(); }

private:
    std::filesystem::path path_;
    Fd fd_;
};

} // namespace ashlar::archive

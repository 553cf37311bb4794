#pragma once

// A file's bytes as memory, for reading.

#include <filesystem>
#include <string_view>
#include <utility>

namespace ashlar::debian {

class MappedFile {
public:
    explicit MappedFile(const std::filesystem::path& path);
    MappedFile(MappedFile&& other) noexcept : text_(std::exchange(other.text_, {})) {}
    MappedFile& operator=(MappedFile&&) = delete;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::string_view text() const noexcept { return text_; }

private:
    std::string_view text_;
};

} // namespace ashlar::debian

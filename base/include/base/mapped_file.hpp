#pragma once

// A file's bytes as memory, for reading. They are the page cache's own: none of the process's memory is used.
// The file must not get shorter meanwhile.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>

namespace ashlar {

class MappedFile {
public:
    explicit MappedFile(const std::filesystem::path& path);
    MappedFile(MappedFile&& other) noexcept : text_(std::exchange(other.text_, {})) {}
    MappedFile& operator=(MappedFile&&) = delete;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile();

    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::as_bytes(std::span(text_)); }
    // With the zeros that mmap(2) has behind them, to the end of a page.
    [[nodiscard]] std::span<const std::byte> pages() const noexcept;

private:
    std::string_view text_;
};

} // namespace ashlar

#pragma once

// Single files out of the root file system of a disk image, without mounting it and without rights.

#include <base/mapped_file.hpp>
#include <deltas/erofs.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::facts {

class RootFiles {
public:
    // Reads where the files lie. Error when it is no image of ours; the root is not verified.
    explicit RootFiles(const std::filesystem::path& image);

    // From the root, without leading slash. Empty files and second names of a hard link are not found.
    [[nodiscard]] std::optional<std::string> read(std::string_view path) const;
    // Bytes of the file system.
    [[nodiscard]] std::uint64_t size() const noexcept { return root_.size(); }

private:
    MappedFile file_;
    ByteView root_;
    std::vector<deltas::PlacedFile> files_; // sorted
};

} // namespace ashlar::facts

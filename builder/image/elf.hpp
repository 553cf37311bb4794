#pragma once

// What an image builder asks of an ELF file (64-bit little-endian; System V gABI chapters 4 and 5):
// which libraries it needs, which it may open later, and the text of a kernel module's .modinfo.

#include <signing/bytes.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::image {

class Elf {
public:
    // Nothing when the bytes are no 64-bit little-endian ELF file. The bytes must outlive the object.
    [[nodiscard]] static std::optional<Elf> parse(ByteView bytes);

    // The first section of that name; empty also when the file is damaged there.
    [[nodiscard]] ByteView section(std::string_view name) const;

    // DT_NEEDED, in the file's order.
    [[nodiscard]] std::vector<std::string> needed() const;
    // Every soname in .note.dlopen notes (the systemd project's "ELF dlopen metadata"), in the file's order.
    [[nodiscard]] std::vector<std::string> opened() const;
    // True for what can be started: it names a program interpreter.
    [[nodiscard]] bool has_interpreter() const;

private:
    explicit Elf(ByteView bytes) : bytes_(bytes) {}
    struct Section {
        std::uint32_t name = 0, type = 0, link = 0;
        std::uint64_t offset = 0, size = 0;
    };
    [[nodiscard]] ByteView range(std::uint64_t offset, std::uint64_t size) const;
    [[nodiscard]] ByteView content(const Section& section) const;

    ByteView bytes_;
    std::vector<Section> sections_;
    ByteView names_;
};

} // namespace ashlar::image

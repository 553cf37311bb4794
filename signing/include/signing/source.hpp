#pragma once

// Bytes that are read by position, wherever they lie: a file here, ranges of a URL
// (<transfer/range_reader.hpp>).

#include <base/file.hpp>
#include <signing/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace ashlar {

// Used by one thread at a time.
class Source {
public:
    virtual ~Source() = default;
    [[nodiscard]] virtual std::uint64_t size() = 0;
    // All of `out`, from `offset` on, or Error. A call may cost a round trip: ask for much at once.
    virtual void read(std::uint64_t offset, std::span<std::byte> out) = 0;
    // For messages; no password in it.
    [[nodiscard]] virtual std::string name() const = 0;
};

class FileSource final : public Source {
public:
    explicit FileSource(const std::filesystem::path& path);

    [[nodiscard]] std::uint64_t size() override { return size_; }
    void read(std::uint64_t offset, std::span<std::byte> out) override;
    [[nodiscard]] std::string name() const override { return name_; }

private:
    std::string name_;
    Fd file_;
    std::uint64_t size_ = 0;
};

// All of a file that fits into memory.
[[nodiscard]] Bytes read_bytes(const std::filesystem::path& path);

} // namespace ashlar

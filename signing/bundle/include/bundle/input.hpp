#pragma once

// Where a bundle is read from: a file, pieces of one, a pipe. docs/formats/bundle.md, "Pieces".

#include <base/file.hpp>
#include <signing/bytes.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace ashlar::bundle {

class Input {
public:
    virtual ~Input() = default;
    // For messages.
    [[nodiscard]] virtual std::string name() const = 0;
    // The next bytes, in order; 0 at the end. By one thread.
    [[nodiscard]] virtual std::size_t read(std::span<std::byte> out) = 0;
    // Nothing is left here; no medium is asked for. Behind the last read().
    [[nodiscard]] virtual bool ended() = 0;
    // The bytes that are here, when they can be read by position; they need not be all. Nothing: a pipe.
    [[nodiscard]] virtual std::optional<std::uint64_t> size() const = 0;
    // All of `out`, from `offset` on, or an Error; only where there is a size. By several threads at once.
    virtual void read_at(std::uint64_t offset, std::span<std::byte> out) = 0;
    // Where a byte lies, for messages: "byte 512", "byte 512, in 'r1.bundle.002'".
    [[nodiscard]] virtual std::string place(std::uint64_t offset) const;
};

// A piece is not where the first was: its medium is asked for. True: look again. False: give up.
using AskForPiece = std::function<bool(const std::filesystem::path& piece)>;

// `path`: "-" for standard input; the first of several pieces, which ends in ".001"; a file, a pipe or a device. Files are
// closed before a medium is asked for.
[[nodiscard]] std::unique_ptr<Input> open_input(const std::filesystem::path& path, AskForPiece ask);
// Of bytes that come in order; the descriptor is owned.
[[nodiscard]] std::unique_ptr<Input> input_of(Fd stream, std::string name);

// "r1.bundle", 2 → "r1.bundle.002"
[[nodiscard]] std::filesystem::path piece_name(const std::filesystem::path& bundle, unsigned number);
inline constexpr unsigned most_pieces = 999;

} // namespace ashlar::bundle

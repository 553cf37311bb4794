#pragma once

// Made-up roots with their hash trees, and operation files between them.

#include <delta/application.hpp>
#include <delta/compression.hpp>
#include <delta/writer.hpp>

#include <base/file.hpp>
#include <signing/bytes.hpp>
#include <signing/extent.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <filesystem>
#include <functional>
#include <random>
#include <string>

namespace ashlar::delta::test {

namespace fs = std::filesystem;

inline const VerityParameters verity{*Guid::from_text("6e21cfa4-9a1e-4d29-9a2b-6fbf0e7d1f55"), Bytes(32, std::byte{7})};

inline std::string noise(std::size_t size, unsigned seed) {
    std::mt19937 engine(seed); // NOLINT: the same bytes each time
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(engine());
    return bytes;
}
inline std::string block_of(unsigned seed) { return noise(block_size, seed); }
inline std::string zeros(std::size_t blocks) { return std::string(blocks * block_size, '\0'); }

// A root as a file, with its hash tree beside it.
class Root {
public:
    Root(fs::path path, const std::string& bytes) : path_(std::move(path)), size_(bytes.size()) {
        write_file(path_, bytes);
        hash_ = write_verity(path_, tree_path(), verity);
        data_ = open_file(path_, O_RDONLY);
        tree_ = open_file(tree_path(), O_RDONLY);
    }

    [[nodiscard]] FileExtent data() const { return {data_.get(), 0, size_, path_.native()}; }
    [[nodiscard]] FileExtent tree() const { return {tree_.get(), 0, verity_size(size_), tree_path().native()}; }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] const Digest& hash() const { return hash_; }
    [[nodiscard]] Old as_old() const { return {hash_, size_}; }

private:
    [[nodiscard]] fs::path tree_path() const { return path_.native() + ".tree"; }

    fs::path path_;
    std::uint64_t size_;
    Digest hash_{Digest::Bytes{}};
    Fd data_, tree_;
};

// Where a node writes.
class Slot {
public:
    Slot(const fs::path& path, std::uint64_t size) : path_(path), file_(open_file(path, O_RDWR | O_CREAT | O_TRUNC)) {
        write_all(file_.get(), noise(size, 99), path.native());
        extent_ = {file_.get(), 0, size, path.native()};
    }
    [[nodiscard]] const FileExtent& extent() const { return extent_; }
    [[nodiscard]] std::string bytes() const { return read_file(path_); }

private:
    fs::path path_;
    Fd file_;
    FileExtent extent_{-1};
};

inline Operation operation(Kind kind, std::string_view made, std::uint64_t old_offset = 0, std::uint64_t old_size = 0) {
    return {.kind = kind, .offset = 0, .size = made.size(), .old_offset = old_offset, .old_size = old_size, .result = sha256(made)};
}

// The whole file in pieces of `piece` bytes: DATA, or ZERO where it is zeros.
inline void write_full(const fs::path& output, const Root& root, const std::string& bytes, std::size_t piece) {
    Writer writer(output, {.old = std::nullopt, .root_hash = root.hash(), .size = bytes.size(), .verity = verity});
    Compressor compressor(3);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        const std::string part = bytes.substr(at, piece);
        const bool zero = part.find_first_not_of('\0') == part.npos;
        writer.add(operation(zero ? Kind::zero : Kind::data, part), zero ? Bytes() : compressor.pack(bytes_of(part)));
    }
    writer.finish(root.tree());
}

inline std::string message_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.message();
    }
    return "no error";
}

inline void ignore(const Progress&) {}

} // namespace ashlar::delta::test

#pragma once

// Files and directories. Everything throws Error (`cannot open '<path>': …`).
// Nothing here follows the rule "half a file is better than none": what becomes visible under its
// final name is complete.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ashlar {

// Owns a file descriptor. Move-only; the destructor closes and cannot report an error, so whoever
// wrote through it calls close() explicitly.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept;
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd();

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void close(); // throws

private:
    int fd_ = -1;
};

// `flags` as for open(2); O_CLOEXEC is added. `mode` is used with O_CREAT.
[[nodiscard]] Fd open_file(const std::filesystem::path& path, int flags, unsigned mode = 0666);

// Reads until end of file / writes all bytes, restarting after EINTR and short transfers.
[[nodiscard]] std::size_t read_some(int fd, std::span<std::byte> buffer, std::string_view name);
void write_all(int fd, std::span<const std::byte> bytes, std::string_view name);
void write_all(int fd, std::string_view text, std::string_view name);

[[nodiscard]] std::string read_file(const std::filesystem::path& path);

// Writes a temporary file beside `path` and renames it over `path`. With Durability::synced the
// data and the directory are on the disk when this returns.
enum class Durability { cached, synced };
void write_file(const std::filesystem::path& path, std::string_view contents,
                unsigned mode = 0644, Durability durability = Durability::cached);
// The same for what is too large for memory: `body` writes it. What that throws leaves `path` as it was.
void write_file(const std::filesystem::path& path, const std::function<void(const Fd&)>& body, unsigned mode = 0644, Durability durability = Durability::cached);

// A new directory `<parent>/<prefix>XXXXXX`, removed with its contents when this goes.
// keep() gives up ownership.
class TemporaryDirectory {
public:
    explicit TemporaryDirectory(const std::filesystem::path& parent, std::string_view prefix = "tmp-");
    TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    std::filesystem::path keep() noexcept { return std::exchange(path_, {}); }

private:
    std::filesystem::path path_;
};

// Removes a tree, also where directories inside lack write permission. Missing is fine.
void remove_tree(const std::filesystem::path& path);

} // namespace ashlar

#pragma once

// Exclusive ownership between processes and threads, by flock(2) on a file. The kernel gives it up
// when its process dies, however it dies, so nobody needs to guess from process ids.

#include <base/file.hpp>

#include <filesystem>
#include <optional>

namespace ashlar::store {

class Claim {
public:
    // Waits for it. Creates the file.
    [[nodiscard]] static Claim wait(const std::filesystem::path& path);
    // Empty when another holds it.
    [[nodiscard]] static std::optional<Claim> try_take(const std::filesystem::path& path);

    Claim(Claim&&) noexcept = default;
    Claim& operator=(Claim&&) noexcept = default;

    // The claimed file, open for reading and writing.
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    // Removes the file while the claim is still held: nobody can take it meanwhile.
    void remove_file() noexcept;

private:
    Claim(Fd fd, std::filesystem::path path);

    Fd fd_;
    std::filesystem::path path_;
};

} // namespace ashlar::store

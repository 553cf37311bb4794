#pragma once

// Bytes are hashed in a thread of their own while the next ones are read.

#include <signing/digest.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <semaphore>
#include <span>
#include <thread>

namespace ashlar::bundle {

// Used by one thread at a time: room(), pass() as often as there are bytes, finish(); then the next content.
class HashPipe {
public:
    HashPipe();
    HashPipe(const HashPipe&) = delete;
    HashPipe& operator=(const HashPipe&) = delete;
    ~HashPipe();

    // Where the next bytes may be put: 1 MiB. May wait.
    [[nodiscard]] std::span<std::byte> room();
    // The first bytes of the last room() are hashed. They stay readable until the next room().
    void pass(std::size_t count);
    // Of all since the last finish().
    [[nodiscard]] Digest finish();

private:
    static constexpr std::ptrdiff_t slots = 4;
    static constexpr std::size_t slot_size = std::size_t{1} << 20U;
    void work();

    // Not initialised: memory that no content comes to is not touched.
    std::array<std::unique_ptr<std::byte[]>, slots> bytes_;
    std::array<std::size_t, slots> used_{}; // 0: the end of all
    std::counting_semaphore<slots> free_{slots}, full_{0};
    std::size_t next_ = 0;
    bool held_ = false;
    std::exception_ptr failure_;
    Hasher hasher_;
    std::jthread thread_; // last: it uses the others
};

} // namespace ashlar::bundle

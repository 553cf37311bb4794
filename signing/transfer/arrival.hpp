#pragma once

// A file that arrives: what is there is hashed once, what comes is hashed while it is written, and
// never more is taken than was agreed.

#include <transfer/downloader.hpp>

#include <base/file.hpp>

namespace ashlar::transfer {

class Arrival {
public:
    // Continues what lies at `target` if the digest will tell whether it was any good.
    Arrival(std::filesystem::path target, Expected expected);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint64_t limit() const noexcept;
    // Nothing when any size up to limit() will do.
    [[nodiscard]] std::optional<std::uint64_t> wanted_size() const noexcept;
    // Some of the bytes are from an earlier attempt, so that a mismatch need not be this one's fault.
    [[nodiscard]] bool continued() const noexcept { return continued_; }
    [[nodiscard]] bool complete() const noexcept { return size_ == wanted_size(); }

    void open();    // before the first append of an attempt
    void close();   // throws when the disk did not take it
    void restart(); // forgets all bytes
    // False, and takes nothing, when it would be more than limit().
    [[nodiscard]] bool append(std::span<const std::byte> bytes);

    struct Verdict {
        Digest sha256;
        bool good = false;
    };
    // Once, after the last byte; restart() makes it possible again.
    [[nodiscard]] Verdict judge();

private:
    std::filesystem::path target_;
    Expected expected_;
    Fd file_;
    Hasher hasher_;
    std::uint64_t size_ = 0;
    bool continued_ = false;
};

} // namespace ashlar::transfer

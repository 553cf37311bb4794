#pragma once

// A passphrase, a PIN, the text of a private key: bytes that are wiped when they go and never reach a message.
//
// The first secret of a process, and the first private key (<signing/key.hpp>, <signing/message_key.hpp>), prepare it:
// secrets and the numbers of private keys lie in OpenSSL's secure heap from then on (locked in memory where the limit
// allows it, MADV_DONTDUMP), and the process leaves no core dump, nor do programs that it starts: RLIMIT_CORE is 1, which
// is too small for a file, and by which Linux also starts no program that takes dumps (core(5)).

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace ashlar {

class Secret {
public:
    static constexpr std::size_t most = 65536; // bytes

    // A copy; whoever has the original wipes that.
    explicit Secret(std::string_view text);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    // All of a file. Refuses one that others than its owner may read or write.
    [[nodiscard]] static Secret of_file(const std::filesystem::path& path);
    // A passphrase or PIN: the only line of such a file. Refuses an empty one, and one with more lines.
    [[nodiscard]] static Secret line_of(const std::filesystem::path& path);
    // What comes from `fd` up to a line end, which is not part of it, or the end: one byte at a time, so that the rest
    // stays where it is. `name` is for messages. An Error for more than `most` bytes.
    [[nodiscard]] static Secret line_from(int fd, std::string_view name);
    // All that comes from `fd`.
    [[nodiscard]] static Secret all_from(int fd, std::string_view name);

    [[nodiscard]] std::string_view text() const noexcept { return {data_, size_}; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace ashlar

#pragma once

// One response to "give me this part": taken from as far as wanted, then held.

#include "cause.hpp"
#include "connection.hpp"
#include "curl.hpp"

#include <signing/bytes.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace ashlar::transfer {

// What is asked for: `size` bytes from `offset` on, at least one.
struct Part {
    std::uint64_t offset = 0, size = 0;
};

class Body {
public:
    // Sends the request. `multi` keeps connections for the next.
    Body(CURLM* multi, const std::string& url, const UrlParts& parts, const Options& options, Part part);
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    ~Body();

    // Waits for the head of the response. False: it failed, see finding().
    [[nodiscard]] bool begin();
    // After begin(): how large the whole file is, as far as the server says; whether it sends only the part.
    [[nodiscard]] std::optional<std::uint64_t> file_size() const noexcept { return file_size_; }
    [[nodiscard]] bool partial() const noexcept { return partial_; }

    // Whether bytes from `offset` on can still come from this response.
    [[nodiscard]] bool reaches(std::uint64_t offset) const noexcept { return !partial_ && !ended_ && offset >= position_; }
    // Fills `out` from `offset` on, skipping what comes before. Returns how much; less than all when the
    // response ended, see finding().
    [[nodiscard]] std::size_t take(std::uint64_t offset, std::span<std::byte> out);

    [[nodiscard]] const std::optional<Finding>& finding() const noexcept { return finding_; }
    [[nodiscard]] std::chrono::milliseconds retry_after() const { return transfer::retry_after(easy_.get()); }
    // Bytes that came, skipped ones included.
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

private:
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);

    void check_response();
    void check_range();
    [[nodiscard]] std::size_t accept(ByteView bytes);
    void consume(ByteView bytes);
    [[nodiscard]] bool full() const noexcept { return filled_ == out_.size(); }
    void perform();
    void end(CURLcode code);
    void drive_until_full();

    CURLM* multi_;
    Part part_;
    Easy easy_;
    Lines headers_;
    std::array<char, CURL_ERROR_SIZE> detail_{};
    std::string range_, content_range_;
    bool response_checked_ = false, partial_ = false, ended_ = false, held_ = false;
    std::optional<std::uint64_t> file_size_;
    std::optional<Finding> finding_;

    std::uint64_t position_ = 0; // in the file, of the next byte
    std::uint64_t target_ = 0;   // where out_ begins
    std::span<std::byte> out_;
    std::size_t filled_ = 0;
    Bytes spill_; // came with the last bytes of out_, and is the next read's
    std::uint64_t received_ = 0;
};

} // namespace ashlar::transfer

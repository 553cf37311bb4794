#pragma once

// One attempt: a job's bytes from one mirror, through one handle of libcurl.

#include "curl.hpp"
#include "job.hpp"

#include <array>
#include <exception>

namespace ashlar::transfer {

class Transfer {
public:
    Transfer(CURLM* multi, Job& job, const Options& options);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer();

    [[nodiscard]] Job& job() noexcept { return *job_; }
    [[nodiscard]] const std::string& server() const noexcept { return job_->mirror().parts.server; }

    // After libcurl is done with it: what went wrong, or nothing when all bytes that the mirror has
    // are there. Throws what went wrong on our side.
    [[nodiscard]] std::optional<Finding> outcome(CURLcode code);
    // The server's wish, 0 without one.
    [[nodiscard]] std::chrono::milliseconds retry_after() const;

private:
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);

    void prepare(const Options& options);
    // Before the first byte of the body: is this the file, and the part of it, that was asked for?
    void check_response();
    void check_range();
    void check_length();
    [[nodiscard]] bool take(std::span<const std::byte> bytes);

    CURLM* multi_;
    Job* job_;
    Easy easy_;
    Lines headers_;
    std::array<char, CURL_ERROR_SIZE> detail_{};
    std::string content_range_; // of the last response
    std::string range_;
    bool response_checked_ = false;
    std::optional<Finding> finding_;
    std::exception_ptr our_failure_;
};

} // namespace ashlar::transfer

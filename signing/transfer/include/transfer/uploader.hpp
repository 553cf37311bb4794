#pragma once

// Puts files on servers that take them by HTTP PUT (RFC 9110, 9.3.4): WebDAV and S3-compatible ones.

#include <transfer/downloader.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace ashlar::transfer {

// Used by one thread at a time. Keeps its connection between calls.
class Uploader {
public:
    // `tries` and pauses do not count: who uploads decides by the cause.
    explicit Uploader(Options options);
    Uploader(const Uploader&) = delete;
    Uploader& operator=(const Uploader&) = delete;
    ~Uploader();

    // Nothing when the server has it. A WebDAV server that wants the collections around it first (409) gets
    // them (MKCOL, RFC 4918, 9.3). Throws only for what is not the server's fault.
    [[nodiscard]] std::optional<Attempt> put(const std::string& url, const std::filesystem::path& file);

    // Whether it is there (HEAD). Nothing when it is; Cause::absent when the server says that it is not.
    [[nodiscard]] std::optional<Attempt> look_for(const std::string& url);

private:
    class Work;
    std::unique_ptr<Work> work_;
};

// `cannot <verb> '<url>': <cause>`.
[[nodiscard]] Error error_of(const Attempt& attempt, std::string_view verb);

} // namespace ashlar::transfer

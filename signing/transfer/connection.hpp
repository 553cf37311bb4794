#pragma once

// What holds for every transfer, whatever becomes of its bytes: who is asked, through which proxy, whom we
// trust, when it is too slow.

#include "curl.hpp"

#include <transfer/downloader.hpp>

#include <base/error.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace ashlar::transfer {

[[nodiscard]] Error option_error(CURLoption option, CURLcode outcome);

template <typename Value> void set(CURL* easy, CURLoption option, Value value) {
    const CURLcode outcome = curl_easy_setopt(easy, option, value);
    if (outcome != CURLE_OK) throw option_error(option, outcome);
}

// `detail` has CURL_ERROR_SIZE bytes and lives as long as the handle, as does what is returned. `payload` is what
// is sent, for those who want it signed.
[[nodiscard]] Lines configure(CURL* easy, const std::string& url, const UrlParts& parts, const Options& options, char* detail,
                              const std::optional<Digest>& payload = std::nullopt);

[[nodiscard]] long status_of(CURL* easy);
// The server's wish, 0 without one.
[[nodiscard]] std::chrono::milliseconds retry_after(CURL* easy);

// Pauses between tries: the `times`-th, doubled each time, with jitter, at least what the server asked for.
[[nodiscard]] std::chrono::milliseconds pause_before(unsigned times, const Options& options, std::chrono::milliseconds asked);

// "bytes 5-9/10" (RFC 9110, 14.4); `total` empty for "*".
struct ContentRange {
    std::uint64_t start = 0;
    std::optional<std::uint64_t> total;
};
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view text);

// Watches the header lines of a response: "Content-Range" of the last one (a redirect has headers too).
void note_content_range(std::string_view line, std::string& content_range);

} // namespace ashlar::transfer

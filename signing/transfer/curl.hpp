#pragma once

// libcurl's handles as values that clean up.

#include <curl/curl.h>

#include <memory>
#include <string>

namespace ashlar::transfer {

struct EasyCleanup {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct MultiCleanup {
    void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};
struct LinesCleanup {
    void operator()(curl_slist* lines) const noexcept { curl_slist_free_all(lines); }
};
using Easy = std::unique_ptr<CURL, EasyCleanup>;
using Multi = std::unique_ptr<CURLM, MultiCleanup>;
// Headers of a request; may be null.
using Lines = std::unique_ptr<curl_slist, LinesCleanup>;

[[nodiscard]] Easy make_easy();
[[nodiscard]] Multi make_multi();
void add_line(Lines& lines, const std::string& line);

// The parts of a URL that decisions are made by.
struct UrlParts {
    std::string scheme; // lower case
    std::string host;   // empty for file
    std::string server; // scheme, host and port: what fails together
    std::string shown;  // the URL without user name and password
};
// Throws Error `cannot use '<url>': …` on what is no URL.
[[nodiscard]] UrlParts parse_url(const std::string& url);
// Of a file:// URL, with %20 and the like undone.
[[nodiscard]] std::string path_of(const std::string& url);

} // namespace ashlar::transfer

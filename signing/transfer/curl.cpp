#include "curl.hpp"

#include <base/error.hpp>

#include <fmt/format.h>

namespace ashlar::transfer {

namespace {

// For the life of the process: libcurl says when it starts, never when it stops.
void start_library() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (started != CURLE_OK) throw Error(fmt::format("cannot start 'libcurl': {}", curl_easy_strerror(started)));
}

struct UrlCleanup {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlCleanup>;

struct TextCleanup {
    void operator()(char* text) const noexcept { curl_free(text); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
    const std::unique_ptr<char, TextCleanup> owner(text);
    return text;
}

Url parsed(const std::string& text) {
    Url url(curl_url());
    const CURLUcode outcome = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0);
    if (outcome != CURLUE_OK) throw Error(fmt::format("cannot use '{}': {}", text, curl_url_strerror(outcome)));
    return url;
}

} // namespace

Easy make_easy() {
    start_library();
    Easy easy(curl_easy_init());
    if (!easy) throw Error("cannot start 'libcurl': out of memory");
    return easy;
}

Multi make_multi() {
    start_library();
    Multi multi(curl_multi_init());
    if (!multi) throw Error("cannot start 'libcurl': out of memory");
    return multi;
}

void add_line(Lines& lines, const std::string& line) {
    curl_slist* const longer = curl_slist_append(lines.get(), line.c_str());
    if (longer == nullptr) throw Error("cannot use 'libcurl': out of memory");
    (void)lines.release(); // its head stays, or is the new one
    lines.reset(longer);
}

std::string path_of(const std::string& text) { return part(parsed(text).get(), CURLUPART_PATH, CURLU_URLDECODE); }

UrlParts parse_url(const std::string& text) {
    const Url url = parsed(text);
    curl_url_set(url.get(), CURLUPART_USER, nullptr, 0);
    curl_url_set(url.get(), CURLUPART_PASSWORD, nullptr, 0);
    UrlParts parts{.scheme = part(url.get(), CURLUPART_SCHEME), .host = part(url.get(), CURLUPART_HOST)};
    parts.server = fmt::format("{}://{}:{}", parts.scheme, parts.host, part(url.get(), CURLUPART_PORT));
    parts.shown = part(url.get(), CURLUPART_URL);
    return parts;
}

} // namespace ashlar::transfer

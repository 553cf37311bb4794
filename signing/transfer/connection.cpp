#include "connection.hpp"

#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <charconv>
#include <random>
#include <sys/stat.h>

#include <fmt/format.h>

namespace ashlar::transfer {

namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    return result;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

void choose_proxy(CURL* easy, const UrlParts& parts, const Proxies& proxies) {
    if (const auto own = proxies.hosts.find(parts.host); own != proxies.hosts.end()) {
        set(easy, CURLOPT_PROXY, own->second == "DIRECT" ? "" : own->second.c_str());
        return;
    }
    const auto& proxy = parts.scheme == "https" ? proxies.https : proxies.http;
    if (proxy) set(easy, CURLOPT_PROXY, *proxy == "DIRECT" ? "" : proxy->c_str());
}

// The file takes the place of the system's file; the system's directory has the same in another form.
void trust(CURL* easy, const Options& options) {
    if (!options.certificates) return;
    set(easy, CURLOPT_CAINFO, options.certificates->c_str());
    set(easy, CURLOPT_CAPATH, "/etc/ssl/certs");
}

// libcurl would go on without a file that it cannot read.
void refuse_open_secret(const std::filesystem::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) throw system_error("read", path.native());
    if ((info.st_mode & 077U) != 0)
        throw Error(fmt::format("cannot use '{}': it has passwords, and not only its owner may read it", path.native()),
                    fmt::format("chmod 600 {}", path.native()));
}

Lines read_headers(const std::filesystem::path& path) {
    refuse_open_secret(path);
    const std::string text = read_file(path);
    Lines headers;
    std::size_t number = 0;
    for (const auto piece : split(text, '\n')) {
        const std::string line(trim(piece));
        ++number;
        if (line.empty() || line.front() == '#') continue;
        if (line.find(':') == line.npos || line.find(':') == 0) // and say nothing of what may be a secret
            throw Error(fmt::format("cannot read '{}': line {}: not '<name>: <value>'", path.native(), number));
        add_line(headers, line);
    }
    return headers;
}

// libcurl 7.88 signs what this header says; S3 wants it also for nothing.
void sign(CURL* easy, Lines& headers, const std::string& region, const std::optional<Digest>& payload) {
    set(easy, CURLOPT_AWS_SIGV4, fmt::format("aws:amz:{}:s3", region).c_str());
    add_line(headers, fmt::format("x-amz-content-sha256: {}", payload.value_or(sha256(std::string_view())).hex()));
}

Lines authenticate(CURL* easy, const Credentials& credentials, const std::optional<Digest>& payload) {
    if (credentials.any()) set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (credentials.netrc) {
        refuse_open_secret(*credentials.netrc);
        set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
        set(easy, CURLOPT_NETRC_FILE, credentials.netrc->c_str());
    }
    Lines headers = credentials.headers ? read_headers(*credentials.headers) : nullptr;
    if (credentials.s3_region) sign(easy, headers, *credentials.s3_region, payload);
    if (headers) set(easy, CURLOPT_HTTPHEADER, headers.get());
    return headers;
}

// Between half and all of it: those that failed together shall not come back together.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    return pause / 2 + std::chrono::milliseconds(std::uniform_int_distribution<long>(0, pause.count() / 2)(random));
}

} // namespace

Error option_error(CURLoption option, CURLcode outcome) {
    return Error(fmt::format("cannot use 'libcurl': option {}: {}", static_cast<int>(option), curl_easy_strerror(outcome)));
}

Lines configure(CURL* easy, const std::string& url, const UrlParts& parts, const Options& options, char* detail,
                const std::optional<Digest>& payload) {
    set(easy, CURLOPT_URL, url.c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
    // Never from a protected connection to an open one, and never to this machine's files.
    set(easy, CURLOPT_REDIR_PROTOCOLS_STR, parts.scheme == "https" ? "https" : "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 1L);
    set(easy, CURLOPT_MAXREDIRS, 5L);
    set(easy, CURLOPT_FAILONERROR, 1L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_ERRORBUFFER, detail);
    set(easy, CURLOPT_USERAGENT, "ashlar");
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(easy, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(options.slowest_bytes_per_second));
    set(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.slowest_time.count()));
    choose_proxy(easy, parts, options.proxies);
    trust(easy, options);
    return authenticate(easy, options.credentials, payload);
}

long status_of(CURL* easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

std::chrono::milliseconds retry_after(CURL* easy) {
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    return std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, 3600));
}

std::chrono::milliseconds pause_before(unsigned times, const Options& options, std::chrono::milliseconds asked) {
    const auto doubled = std::min(options.longest_pause, options.first_pause * (1L << std::min(times, 16U)));
    return std::max(with_jitter(doubled), std::min(asked, options.longest_pause));
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
    constexpr std::string_view unit = "bytes ";
    if (!text.starts_with(unit)) return std::nullopt;
    text.remove_prefix(unit.size());
    const std::size_t dash = text.find('-'), slash = text.find('/');
    if (dash == text.npos || slash == text.npos || slash < dash) return std::nullopt;
    const auto start = number(text.substr(0, dash));
    if (!start) return std::nullopt;
    return ContentRange{*start, number(text.substr(slash + 1))};
}

void note_content_range(std::string_view line, std::string& content_range) {
    line = trim(line);
    if (line.starts_with("HTTP/")) content_range.clear();
    constexpr std::string_view name = "content-range:";
    if (lower(line.substr(0, name.size())) == name) content_range = trim(line.substr(name.size()));
}

} // namespace ashlar::transfer

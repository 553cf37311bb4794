#include "transfer.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace ashlar::transfer {

namespace {

template <typename Value> void set(CURL* easy, CURLoption option, Value value) {
    const CURLcode outcome = curl_easy_setopt(easy, option, value);
    if (outcome != CURLE_OK)
        throw Error(
            fmt::format("cannot use 'libcurl': option {}: {}", static_cast<int>(option), curl_easy_strerror(outcome)));
}

long status_of(CURL* easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

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

// "bytes 5-9/10" (RFC 9110, 14.4); `total` empty for "*".
struct ContentRange {
    std::uint64_t start = 0;
    std::optional<std::uint64_t> total;
};

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

std::string wrong_size(std::uint64_t is, std::uint64_t expected) {
    return fmt::format("size is {} bytes, expected {}", is, expected);
}

} // namespace

Transfer::Transfer(CURLM* multi, Job& job, const Options& options) : multi_(multi), job_(&job), easy_(make_easy()) {
    configure(options);
    if (const CURLMcode outcome = curl_multi_add_handle(multi_, easy_.get()); outcome != CURLM_OK)
        throw Error(fmt::format("cannot start the transfer of '{}': {}", job.mirror().parts.shown,
                                curl_multi_strerror(outcome)));
}

Transfer::~Transfer() { curl_multi_remove_handle(multi_, easy_.get()); }

void Transfer::configure(const Options& options) {
    CURL* const easy = easy_.get();
    const std::string& scheme = job_->mirror().parts.scheme;
    set(easy, CURLOPT_PRIVATE, static_cast<void*>(this));
    set(easy, CURLOPT_URL, job_->mirror().url.c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
    // Never from a protected connection to an open one, and never to this machine's files.
    set(easy, CURLOPT_REDIR_PROTOCOLS_STR, scheme == "https" ? "https" : "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 1L);
    set(easy, CURLOPT_MAXREDIRS, 5L);
    set(easy, CURLOPT_FAILONERROR, 1L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_ERRORBUFFER, detail_.data());
    set(easy, CURLOPT_USERAGENT, "ashlar");
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(easy, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(options.slowest_bytes_per_second));
    set(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.slowest_time.count()));
    set(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
    if (job_->arrival().size() > 0) {
        range_ = fmt::format("{}-", job_->arrival().size());
        set(easy, CURLOPT_RANGE, range_.c_str());
    }
    choose_proxy(options);
    trust(options);
}

void Transfer::choose_proxy(const Options& options) {
    const Proxies& proxies = options.proxies;
    if (const auto own = proxies.hosts.find(job_->mirror().parts.host); own != proxies.hosts.end()) {
        set(easy_.get(), CURLOPT_PROXY, own->second == "DIRECT" ? "" : own->second.c_str());
        return;
    }
    const auto& proxy = job_->mirror().parts.scheme == "https" ? proxies.https : proxies.http;
    if (proxy) set(easy_.get(), CURLOPT_PROXY, *proxy == "DIRECT" ? "" : proxy->c_str());
}

// The file takes the place of the system's file; the system's directory has the same in another form.
void Transfer::trust(const Options& options) {
    if (!options.certificates) return;
    set(easy_.get(), CURLOPT_CAINFO, options.certificates->c_str());
    set(easy_.get(), CURLOPT_CAPATH, "/etc/ssl/certs");
}

std::size_t Transfer::on_header(char* data, std::size_t, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::string_view line = trim(std::string_view(data, count));
    if (line.starts_with("HTTP/")) transfer.content_range_.clear();
    constexpr std::string_view name = "content-range:";
    if (lower(line.substr(0, name.size())) == name) transfer.content_range_ = trim(line.substr(name.size()));
    return count;
}

// Exceptions do not pass through libcurl: they wait until it has returned.
std::size_t Transfer::on_body(char* data, std::size_t, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    try {
        return transfer.take(std::as_bytes(std::span(data, count))) ? count : CURL_WRITEFUNC_ERROR;
    } catch (...) {
        transfer.our_failure_ = std::current_exception();
        return CURL_WRITEFUNC_ERROR;
    }
}

bool Transfer::take(std::span<const std::byte> bytes) {
    check_response();
    if (finding_) return false;
    Arrival& arrival = job_->arrival();
    if (arrival.append(bytes)) return true;
    finding_ = Finding{Cause::wrong,
                       fmt::format("size is more than {} bytes, {}", arrival.limit(),
                                   arrival.wanted_size() ? "as expected" : "the most that is accepted"),
                       {}};
    return false;
}

void Transfer::check_response() {
    if (std::exchange(response_checked_, true)) return;
    const long status = status_of(easy_.get());
    if (job_->mirror().parts.scheme == "file") return check_length();
    if (status == 206 && !range_.empty()) {
        check_range();
    } else if (status == 200) {
        if (!range_.empty()) job_->arrival().restart(); // the server does not do ranges
    } else {
        finding_ = judge_status(status);
    }
    if (!finding_) check_length();
}

void Transfer::check_range() {
    const auto range = parse_content_range(content_range_);
    if (!range || range->start != job_->arrival().size()) {
        job_->arrival().restart();
        finding_ =
            Finding{Cause::transient, fmt::format("sent another range than asked for: '{}'", content_range_), {}};
    } else if (range->total && range->total != job_->arrival().wanted_size()) {
        finding_ = Finding{Cause::wrong, wrong_size(*range->total, job_->arrival().limit()), {}};
    }
}

void Transfer::check_length() {
    curl_off_t length = -1;
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length < 0) return;
    const Arrival& arrival = job_->arrival();
    const std::uint64_t whole = arrival.size() + static_cast<std::uint64_t>(length);
    if (arrival.wanted_size() ? whole != *arrival.wanted_size() : whole > arrival.limit())
        finding_ = Finding{Cause::wrong,
                           arrival.wanted_size() ? wrong_size(whole, *arrival.wanted_size())
                                                 : fmt::format("size is {} bytes, the most that is accepted is {}",
                                                               whole, arrival.limit()),
                           {}};
}

std::optional<Finding> Transfer::outcome(CURLcode code) {
    if (our_failure_) std::rethrow_exception(our_failure_);
    if (code == CURLE_OK) check_response();
    if (finding_) return finding_;
    if (code == CURLE_OK) return std::nullopt;
    if (code == CURLE_HTTP_RETURNED_ERROR) {
        const long status = status_of(easy_.get());
        if (status == 416) job_->arrival().restart();
        return judge_status(status);
    }
    return judge_outcome(code, detail_.data());
}

std::chrono::milliseconds Transfer::retry_after() const {
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds);
    return std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, 3600));
}

} // namespace ashlar::transfer

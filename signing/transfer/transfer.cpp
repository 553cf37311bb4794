#include "transfer.hpp"

#include "connection.hpp"

#include <base/error.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ashlar::transfer {

namespace {

std::string wrong_size(std::uint64_t is, std::uint64_t expected) {
    return fmt::format("size is {} bytes, expected {}", is, expected);
}

} // namespace

Transfer::Transfer(CURLM* multi, Job& job, const Options& options) : multi_(multi), job_(&job), easy_(make_easy()) {
    prepare(options);
    if (const CURLMcode outcome = curl_multi_add_handle(multi_, easy_.get()); outcome != CURLM_OK)
        throw Error(fmt::format("cannot start the transfer of '{}': {}", job.mirror().parts.shown,
                                curl_multi_strerror(outcome)));
}

Transfer::~Transfer() { curl_multi_remove_handle(multi_, easy_.get()); }

void Transfer::prepare(const Options& options) {
    CURL* const easy = easy_.get();
    headers_ = configure(easy, job_->mirror().url, job_->mirror().parts, options, detail_.data());
    set(easy, CURLOPT_PRIVATE, static_cast<void*>(this));
    set(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
    if (job_->arrival().size() > 0) {
        range_ = fmt::format("{}-", job_->arrival().size());
        set(easy, CURLOPT_RANGE, range_.c_str());
    }
}

std::size_t Transfer::on_header(char* data, std::size_t, std::size_t count, void* self) {
    note_content_range({data, count}, static_cast<Transfer*>(self)->content_range_);
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

std::chrono::milliseconds Transfer::retry_after() const { return transfer::retry_after(easy_.get()); }

} // namespace ashlar::transfer

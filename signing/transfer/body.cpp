#include "body.hpp"

#include <base/error.hpp>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace ashlar::transfer {

Body::Body(CURLM* multi, const std::string& url, const UrlParts& parts, const Options& options, Part part)
    : multi_(multi), part_(part), easy_(make_easy()), range_(fmt::format("{}-{}", part.offset, part.offset + part.size - 1)) {
    CURL* const easy = easy_.get();
    headers_ = configure(easy, url, parts, options, detail_.data());
    set(easy, CURLOPT_RANGE, range_.c_str());
    set(easy, CURLOPT_WRITEFUNCTION, &Body::on_body);
    set(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(easy, CURLOPT_HEADERFUNCTION, &Body::on_header);
    set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
    if (const CURLMcode outcome = curl_multi_add_handle(multi_, easy); outcome != CURLM_OK)
        throw Error(fmt::format("cannot fetch '{}': {}", parts.shown, curl_multi_strerror(outcome)));
}

Body::~Body() { curl_multi_remove_handle(multi_, easy_.get()); }

std::size_t Body::on_header(char* data, std::size_t, std::size_t count, void* self) {
    note_content_range({data, count}, static_cast<Body*>(self)->content_range_);
    return count;
}

std::size_t Body::on_body(char* data, std::size_t, std::size_t count, void* self) {
    return static_cast<Body*>(self)->accept(std::as_bytes(std::span(data, count)));
}

std::size_t Body::accept(ByteView bytes) {
    check_response();
    if (finding_) return CURL_WRITEFUNC_ERROR;
    if (full()) {
        held_ = true;
        return CURL_WRITEFUNC_PAUSE; // the same bytes come again
    }
    received_ += bytes.size();
    consume(bytes);
    return bytes.size();
}

void Body::consume(ByteView bytes) {
    const std::uint64_t skipped = std::min<std::uint64_t>(bytes.size(), target_ - std::min(target_, position_));
    bytes = bytes.subspan(skipped);
    const std::size_t taken = std::min(bytes.size(), out_.size() - filled_);
    std::ranges::copy(bytes.first(taken), out_.subspan(filled_).begin());
    filled_ += taken;
    position_ += skipped + taken;
    append(spill_, bytes.subspan(taken));
}

void Body::check_response() {
    if (std::exchange(response_checked_, true)) return;
    const long status = status_of(easy_.get());
    if (status == 206) return check_range();
    if (status != 200) {
        finding_ = judge_status(status);
        return;
    }
    curl_off_t length = -1;
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length >= 0) file_size_ = static_cast<std::uint64_t>(length);
}

void Body::check_range() {
    partial_ = true;
    position_ = part_.offset;
    const auto range = parse_content_range(content_range_);
    if (range && range->start == part_.offset)
        file_size_ = range->total;
    else
        finding_ = Finding{Cause::transient, fmt::format("sent another range than asked for: '{}'", content_range_), {}};
}

void Body::end(CURLcode code) {
    ended_ = true;
    if (code == CURLE_OK) check_response();
    if (finding_ || code == CURLE_OK) return;
    finding_ = code == CURLE_HTTP_RETURNED_ERROR ? judge_status(status_of(easy_.get())) : judge_outcome(code, detail_.data());
}

void Body::perform() {
    int active = 0;
    if (const CURLMcode outcome = curl_multi_perform(multi_, &active); outcome != CURLM_OK)
        throw Error(fmt::format("cannot use 'libcurl': {}", curl_multi_strerror(outcome)));
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left))
        if (message->msg == CURLMSG_DONE && message->easy_handle == easy_.get()) end(message->data.result);
}

// A part is taken to the end of its response, so that the connection can be used again; a whole file is
// left where it is.
void Body::drive_until_full() {
    if (std::exchange(held_, false)) curl_easy_pause(easy_.get(), CURLPAUSE_CONT);
    while (!ended_ && !held_ && !(full() && response_checked_ && !partial_)) {
        perform();
        if (!ended_ && !held_ && !full()) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
}

bool Body::begin() {
    drive_until_full();
    return response_checked_ && !finding_;
}

std::size_t Body::take(std::uint64_t offset, std::span<std::byte> out) {
    target_ = offset;
    out_ = out;
    filled_ = 0;
    consume(std::exchange(spill_, {}));
    if (!full()) drive_until_full();
    out_ = {};
    const std::size_t taken = std::exchange(filled_, 0);
    if (taken < out.size() && ended_ && !finding_)
        finding_ = Finding{Cause::transient, fmt::format("ended at byte {}, {} were asked for", offset + taken, offset + out.size()), {}};
    return taken;
}

} // namespace ashlar::transfer

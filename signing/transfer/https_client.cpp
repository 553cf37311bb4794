#include <transfer/https_client.hpp>

#include "cause.hpp"
#include "connection.hpp"

#include <algorithm>
#include <array>

namespace ashlar::transfer {

namespace {

constexpr std::chrono::milliseconds connect_timeout{3'000};

curl_blob blob_of(std::string_view text) {
    return {.data = const_cast<char*>(text.data()), .len = text.size(), .flags = CURL_BLOB_NOCOPY}; // libcurl reads it only
}

// What comes, until it is enough or too much.
struct Arriving {
    const HttpsClient::EachPiece& each_piece;
    std::string body;
    bool enough = false, too_much = false;

    static std::size_t take(char* data, std::size_t size, std::size_t count, void* self) {
        auto& arriving = *static_cast<Arriving*>(self);
        const std::string_view piece(data, size * count);
        arriving.too_much = piece.size() > HttpsClient::most_answer - arriving.body.size();
        if (arriving.too_much) return 0; // ends the transfer
        arriving.body += piece;
        arriving.enough = arriving.each_piece && !arriving.each_piece(piece);
        return arriving.enough ? 0 : piece.size();
    }
};

// Stands at 0 until there is a connection and the first byte may go.
NoAnswer::Question question_of(CURL* easy) {
    curl_off_t before_sending = 0;
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &before_sending);
    return before_sending > 0 ? NoAnswer::Question::may_have_arrived : NoAnswer::Question::not_sent;
}

} // namespace

struct HttpsClient::State {
    Identification identification;
    Easy easy = make_easy();
    Lines headers;
    std::array<char, CURL_ERROR_SIZE> detail{};

    explicit State(Identification given) : identification(std::move(given)) {
        add_line(headers, "Content-Type: application/json");
        add_line(headers, "Expect:");
        CURL* const handle = easy.get();
        const curl_blob certificate = blob_of(identification.certificate), key = blob_of(identification.key.text()), authority = blob_of(identification.authority);
        set(handle, CURLOPT_SSLCERT_BLOB, &certificate);
        set(handle, CURLOPT_SSLKEY_BLOB, &key);
        set(handle, CURLOPT_CAINFO_BLOB, &authority);
        set(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
        set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
        set(handle, CURLOPT_PROTOCOLS_STR, "https");
        set(handle, CURLOPT_PROXY, "");
        set(handle, CURLOPT_FOLLOWLOCATION, 0L);
        set(handle, CURLOPT_NOSIGNAL, 1L);
        set(handle, CURLOPT_HTTPHEADER, headers.get());
        set(handle, CURLOPT_ERRORBUFFER, detail.data());
        set(handle, CURLOPT_USERAGENT, "ashlar");
        set(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
        set(handle, CURLOPT_WRITEFUNCTION, &Arriving::take);
    }
};

HttpsClient::HttpsClient(Identification identification) : state_(std::make_unique<State>(std::move(identification))) {}
HttpsClient::~HttpsClient() = default;

std::variant<Answer, NoAnswer> HttpsClient::post(const std::string& url, std::string_view body, std::chrono::milliseconds timeout, const EachPiece& each_piece) {
    CURL* const easy = state_->easy.get();
    Arriving arriving{.each_piece = each_piece, .body = {}};
    state_->detail.front() = '\0';
    set(easy, CURLOPT_URL, url.c_str());
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(easy, CURLOPT_POSTFIELDS, body.data());
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    set(easy, CURLOPT_WRITEDATA, &arriving);
    const CURLcode outcome = curl_easy_perform(easy);
    if (outcome == CURLE_OK || arriving.enough) return Answer{status_of(easy), std::move(arriving.body)};
    if (arriving.too_much) return NoAnswer{NoAnswer::Question::may_have_arrived, "the answer is larger than 16 MiB"};
    return NoAnswer{question_of(easy), judge_outcome(outcome, state_->detail.data()).text};
}

} // namespace ashlar::transfer

#pragma once

// Short questions to a server that knows us by our certificate: POST of one body, an answer in memory. For services of the site;
// what is large goes through <transfer/downloader.hpp>.
//
// TLS 1.3, one authority, and nobody between: no proxy, no redirect, none of the system's authorities.

#include <signing/secret.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace ashlar::transfer {

struct Identification {
    std::string certificate; // PEM
    Secret key;              // PEM
    std::string authority;   // PEM, whom the server's certificate must be from
};

struct Answer {
    long status = 0;
    std::string body;
};
struct NoAnswer {
    // Whether the question may have arrived: whatever it asked for may then have been done.
    enum class Question { not_sent, may_have_arrived } question;
    std::string cause;
};

// Used by one thread at a time. Keeps its connections between calls.
class HttpsClient {
public:
    static constexpr std::size_t most_answer = std::size_t{16} << 20U; // bytes

    explicit HttpsClient(Identification identification);
    HttpsClient(const HttpsClient&) = delete;
    HttpsClient& operator=(const HttpsClient&) = delete;
    ~HttpsClient();

    // Told each piece of the answer as it comes; false: that is enough, and the answer is what came until then.
    using EachPiece = std::function<bool(std::string_view)>;
    [[nodiscard]] std::variant<Answer, NoAnswer> post(const std::string& url, std::string_view body, std::chrono::milliseconds timeout, const EachPiece& each_piece = {});

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace ashlar::transfer

#include <etcd/https_door.hpp>

namespace ashlar::etcd {

std::variant<Door::Answer, Door::NoAnswer> HttpsDoor::ask(const std::string& endpoint, const std::string& path, const std::string& body, std::chrono::milliseconds timeout,
                                                          Enough enough) {
    std::string line;
    const auto each_piece = [&](std::string_view piece) {
        line += piece;
        const auto end = line.find('\n');
        if (end == line.npos) return true;
        const bool more = !enough(line);
        line.erase(0, end + 1);
        return more;
    };
    const auto answered = client_.post(endpoint + path, body, timeout, enough != nullptr ? transfer::HttpsClient::EachPiece(each_piece) : transfer::HttpsClient::EachPiece());
    if (const auto* answer = std::get_if<transfer::Answer>(&answered)) return Answer{answer->status, answer->body};
    const auto& none = std::get<transfer::NoAnswer>(answered);
    return NoAnswer{none.question == transfer::NoAnswer::Question::may_have_arrived, none.cause};
}

} // namespace ashlar::etcd

#pragma once

// A web server on 127.0.0.1 for tests, which misbehaves on request. One thread per connection; one
// request per connection, or more where the server is told to keep them.

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace ashlar::test {

struct Ask {
    std::string target;                         // as in the request line; absolute when we are asked as a proxy
    std::map<std::string, std::string> headers; // names in lower case
    std::string method = "GET";
    std::string body; // of PUT

    // From where the client wants the rest; 0 without a range.
    [[nodiscard]] std::size_t range_start() const {
        const auto range = headers.find("range");
        return range == headers.end() ? 0 : std::stoul(range->second.substr(range->second.find('=') + 1));
    }
    // Behind the last byte that the client wants of `size`.
    [[nodiscard]] std::size_t range_end(std::size_t size) const {
        const auto range = headers.find("range");
        if (range == headers.end() || range->second.ends_with('-')) return size;
        return std::min(size, std::stoul(range->second.substr(range->second.find('-') + 1)) + 1);
    }
    [[nodiscard]] bool has_range() const { return headers.contains("range"); }
};

struct Reply {
    int status = 200;
    std::string body;
    std::vector<std::string> headers; // further ones, "Location: …"
    enum class Ranges { served, ignored } ranges = Ranges::served;
    enum class Length { sent, unknown } length = Length::sent;
    // What happens after `good` bytes of the body.
    enum class Fault { none, drop, stall, endless } fault = Fault::none;
    std::size_t good = 0;
};

class MirrorServer {
public:
    using Handler = std::function<Reply(const Ask&)>;

    enum class Connections { closed, kept };
    explicit MirrorServer(Handler handler, Connections connections = Connections::closed)
        : handler_(std::move(handler)), connections_kept_(connections) {
        listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
            ::getsockname(listener_.get(), generic, &size) != 0)
            throw system_error("start", "test server");
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    MirrorServer(const MirrorServer&) = delete;
    MirrorServer& operator=(const MirrorServer&) = delete;
    ~MirrorServer() {
        stopping_ = true;
        ::shutdown(listener_.get(), SHUT_RDWR);
        acceptor_.join();
        for (auto& thread : connections_) thread.join();
    }

    [[nodiscard]] std::size_t connections() const { return accepted_; }

    [[nodiscard]] std::string url(const std::string& path = "") const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }
    [[nodiscard]] std::vector<Ask> asks() const {
        const std::lock_guard guard(mutex_);
        return asks_;
    }
    [[nodiscard]] std::size_t count(const std::string& target) const {
        std::size_t found = 0;
        for (const auto& ask : asks()) found += ask.target == target ? 1U : 0U;
        return found;
    }

    // Files by path; anything else is 404.
    static Handler files(std::map<std::string, std::string> by_path) {
        return [by_path = std::move(by_path)](const Ask& ask) {
            const auto found = by_path.find(ask.target);
            return found == by_path.end() ? Reply{.status = 404, .body = "no"} : Reply{.body = found->second};
        };
    }

private:
    void accept_all() {
        for (;;) {
            const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0 || stopping_) {
                if (fd >= 0) ::close(fd);
                return;
            }
            ++accepted_;
            connections_.emplace_back([this, fd] { serve(Fd(fd)); });
        }
    }

    static std::optional<Ask> read_ask(int fd) {
        std::string text;
        char byte = 0;
        while (!text.ends_with("\r\n\r\n")) {
            if (::read(fd, &byte, 1) != 1) return std::nullopt;
            text += byte;
        }
        const auto lines = split(text, '\n');
        Ask ask{.target = std::string(split(lines[0], ' ').at(1)), .headers = {}, .method = std::string(split(lines[0], ' ').at(0)), .body = {}};
        for (const auto line : lines) {
            const std::size_t colon = line.find(": ");
            if (colon == line.npos) continue;
            std::string name(line.substr(0, colon));
            for (char& c : name) c = static_cast<char>(::tolower(c));
            ask.headers[name] = std::string(trim(line.substr(colon + 2)));
        }
        const auto length = ask.headers.find("content-length");
        const std::size_t size = length == ask.headers.end() ? 0 : std::stoul(length->second);
        while (ask.body.size() < size) {
            if (::read(fd, &byte, 1) != 1) return std::nullopt;
            ask.body += byte;
        }
        return ask;
    }

    void serve(Fd connection) {
        for (bool more = true; more && !stopping_;) {
            const auto ask = read_ask(connection.get());
            if (!ask) return;
            {
                const std::lock_guard guard(mutex_);
                asks_.push_back(*ask);
            }
            more = answer(connection.get(), *ask, handler_(*ask));
        }
    }

    static bool send(int fd, std::string_view text) {
        while (!text.empty()) {
            const ssize_t put = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
            if (put <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(put));
        }
        return true;
    }

    // Whether another request may come.
    bool answer(int fd, const Ask& ask, Reply reply) {
        std::string head, body = reply.body;
        std::size_t start = 0;
        if (reply.status == 200 && reply.ranges == Reply::Ranges::served && ask.has_range()) {
            start = ask.range_start();
            if (start >= body.size()) {
                send(fd, "HTTP/1.1 416 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                return false;
            }
            reply.status = 206;
            const std::size_t end = ask.range_end(body.size());
            head = "Content-Range: bytes " + std::to_string(start) + "-" + std::to_string(end - 1) + "/" +
                   std::to_string(body.size()) + "\r\n";
            body = body.substr(start, end - start);
        }
        if (reply.length == Reply::Length::sent && reply.fault != Reply::Fault::endless)
            head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        for (const auto& header : reply.headers) head += header + "\r\n";
        const bool keeps = connections_kept_ == Connections::kept && reply.fault == Reply::Fault::none && reply.length == Reply::Length::sent;
        if (!keeps) head += "Connection: close\r\n";
        if (!send(fd, "HTTP/1.1 " + std::to_string(reply.status) + " x\r\n" + head + "\r\n")) return false;
        if (ask.method == "HEAD") return keeps;
        if (reply.fault == Reply::Fault::none) return send(fd, body) && keeps;
        send(fd, body.substr(0, reply.good));
        if (reply.fault == Reply::Fault::endless)
            while (!stopping_ && send(fd, std::string(4096, 'x'))) {
            }
        char byte = 0;
        if (reply.fault == Reply::Fault::stall)
            while (!stopping_ && ::recv(fd, &byte, 1, MSG_DONTWAIT) != 0) ::usleep(10'000);
        return false;
    }

    Handler handler_;
    Connections connections_kept_;
    Fd listener_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::size_t> accepted_ = 0;
    mutable std::mutex mutex_;
    std::vector<Ask> asks_;
    std::vector<std::thread> connections_;
    std::thread acceptor_;
};

// Without the proxies of the machine that runs the tests.
inline void forget_proxies() {
    for (const char* name :
         {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"})
        ::unsetenv(name);
}

} // namespace ashlar::test

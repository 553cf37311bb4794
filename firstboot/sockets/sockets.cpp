#include <sockets/sockets.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <array>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ashlar::sockets {

Fd listen_on(std::uint16_t port, std::string_view what) {
    Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const bool has_ipv6 = static_cast<bool>(socket);
    if (!has_ipv6) socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) throw system_error("open", what);
    constexpr int on = 1, off = 0;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    if (has_ipv6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    const int bound = has_ipv6 ? ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&ipv6), sizeof ipv6) : ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&ipv4), sizeof ipv4);
    if (bound != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
        Error error = system_error("listen on", fmt::format("TCP port {}", port));
        error.add_hint("another program has that port: `ss -ltnp` names it");
        throw error;
    }
    return socket;
}

Fd connect_to(const sockaddr* address, socklen_t length, std::chrono::milliseconds patience) {
    Fd socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return {};
    if (::connect(socket.get(), address, length) != 0 && errno != EINPROGRESS) return {};
    pollfd wanted{socket.get(), POLLOUT, 0};
    if (::poll(&wanted, 1, static_cast<int>(std::max(patience.count(), decltype(patience.count()){0}))) != 1) return {};
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
    return failure == 0 ? std::move(socket) : Fd();
}

Fd connect_to(const std::string& address, std::uint16_t port, std::chrono::milliseconds patience) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    if (::inet_pton(AF_INET, address.c_str(), &ipv4.sin_addr) == 1) return connect_to(reinterpret_cast<const sockaddr*>(&ipv4), sizeof ipv4, patience);
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, address.c_str(), &ipv6.sin6_addr) == 1) return connect_to(reinterpret_cast<const sockaddr*>(&ipv6), sizeof ipv6, patience);
    return {};
}

std::string address_of_peer(const Fd& connection) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getpeername(connection.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* const bytes = address.ss_family == AF_INET6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
                                                            : static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr);
    return ::inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr ? std::string() : std::string(text.data());
}

Listener::Listener(std::uint16_t port, std::string_view what, Take take) : take_(std::move(take)), socket_(listen_on(port, what)), ended_(::eventfd(0, EFD_CLOEXEC)) {
    if (!ended_) throw system_error("make", "event descriptor");
    thread_ = std::jthread([this] { listen(); });
}

Listener::~Listener() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(ended_.get(), &one, sizeof one);
}

std::uint16_t Listener::port() const {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) throw system_error("ask for", "the port of a socket");
    return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

void Listener::listen() {
    for (;;) {
        std::array<pollfd, 2> polls{pollfd{socket_.get(), POLLIN, 0}, pollfd{ended_.get(), POLLIN, 0}};
        ::poll(polls.data(), polls.size(), -1);
        if (polls[1].revents != 0) return;
        Fd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (connection) take_(std::move(connection));
    }
}

} // namespace ashlar::sockets

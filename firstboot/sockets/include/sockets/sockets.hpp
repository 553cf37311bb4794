#pragma once

// TCP sockets. None of them blocks: whoever reads and writes has deadlines of its own.

#include <base/file.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>

namespace ashlar::sockets {

// Of both families, where there are both. 0: any free port. `what` for errors: "the site port".
[[nodiscard]] Fd listen_on(std::uint16_t port, std::string_view what);

// Nothing when nobody answers in that time.
[[nodiscard]] Fd connect_to(const sockaddr* address, socklen_t length, std::chrono::milliseconds patience);
// The same for "10.0.0.11" and "fd00::11"; nothing for what is no address.
[[nodiscard]] Fd connect_to(const std::string& address, std::uint16_t port, std::chrono::milliseconds patience);

// The address of the other side, without its port; empty when it is gone.
[[nodiscard]] std::string address_of_peer(const Fd& connection);

// Takes connections, in a thread of its own, for as long as it lives.
class Listener {
public:
    using Take = std::function<void(Fd connection)>; // returns soon

    Listener(std::uint16_t port, std::string_view what, Take take);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

    [[nodiscard]] std::uint16_t port() const;

private:
    void listen();

    const Take take_;
    Fd socket_, ended_; // an eventfd
    std::jthread thread_;
};

} // namespace ashlar::sockets

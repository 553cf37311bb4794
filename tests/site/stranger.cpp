#include "stranger.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <site/ports.hpp>
#include <virtual_site/node.hpp>

#include <algorithm>
#include <array>
#include <arpa/inet.h>
#include <chrono>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ashlar::virtual_site {

namespace {

using namespace std::chrono_literals;

const std::string own_address = "10.77.0.250/24";

sockaddr_in everybody() {
    sockaddr_in group{};
    group.sin_family = AF_INET;
    group.sin_port = htons(site::beacon_port);
    ::inet_pton(AF_INET, site::beacon_group_ipv4, &group.sin_addr);
    return group;
}

} // namespace

Stranger::Stranger() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    run_checked({.argv = {"ip", "address", "add", own_address, "dev", Switch::name}});
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(site::beacon_port);
    ip_mreqn group{};
    group.imr_multiaddr = everybody().sin_addr;
    group.imr_ifindex = static_cast<int>(::if_nametoindex(Switch::name));
    constexpr int off = 0;
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 || ::setsockopt(socket_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) != 0 ||
        ::setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group) != 0 || ::setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off) != 0)
        throw system_error("listen on", Switch::name);
}

Stranger::~Stranger() { (void)run({.argv = {"ip", "address", "delete", own_address, "dev", Switch::name}}); }

std::string Stranger::record() const {
    std::array<char, 2048> buffer{};
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) throw system_error("receive from", Switch::name);
    return {buffer.data(), static_cast<std::size_t>(got)};
}

Stranger::Flood::Flood(const Stranger& stranger, unsigned rate, std::function<std::string()> next)
    : thread_([this, &stranger, rate, next = std::move(next)](const std::stop_token& stop) {
          const auto began = std::chrono::steady_clock::now();
          const sockaddr_in group = everybody();
          while (!stop.stop_requested()) {
              const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
              while (sent_ < static_cast<std::uint64_t>(passed) * rate / 1000) {
                  const std::string datagram = next();
                  ::sendto(stranger.socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&group), sizeof group);
                  ++sent_;
              }
              std::this_thread::sleep_for(1ms);
          }
      }) {}

std::vector<Fd> Stranger::connect(const std::string& address, std::uint16_t port, unsigned count) {
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &there.sin_addr);
    std::vector<Fd> connections;
    for (unsigned i = 0; i < count; ++i) {
        Fd& connection = connections.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) throw system_error("connect to", address);
    }
    return connections;
}

} // namespace ashlar::virtual_site

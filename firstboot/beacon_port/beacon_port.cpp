#include <beacon_port/beacon_port.hpp>

#include <base/error.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <utility>

#include <fmt/format.h>

namespace ashlar::beacon_port {

namespace {

constexpr int on = 1, off = 0, one_hop = 1;

bool set(const Fd& socket, int level, int option, int value) { return ::setsockopt(socket.get(), level, option, &value, sizeof value) == 0; }

// Nothing where the kernel does not have the family.
Fd open_socket(int family) {
    Fd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket && errno != EAFNOSUPPORT) throw system_error("open", "socket for beacons");
    return socket;
}

template <class Address> void bind_to(const Fd& socket, const Address& address, std::uint16_t port) {
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
    Error error = system_error("listen for beacons on", fmt::format("UDP port {}", port));
    error.add_hint("another program has that port: `ss -lunp` names it");
    throw error;
}

Fd open_ipv4(std::uint16_t port) {
    Fd socket = open_socket(AF_INET);
    if (!socket) return socket;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    bind_to(socket, address, port);
    set(socket, IPPROTO_IP, IP_MULTICAST_TTL, one_hop);
    set(socket, IPPROTO_IP, IP_MULTICAST_LOOP, off);
    // Only groups that were joined here, on the interface where they were.
    set(socket, IPPROTO_IP, IP_MULTICAST_ALL, off);
    set(socket, IPPROTO_IP, IP_PKTINFO, on);
    return socket;
}

Fd open_ipv6(std::uint16_t port) {
    Fd socket = open_socket(AF_INET6);
    if (!socket) return socket;
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    set(socket, IPPROTO_IPV6, IPV6_V6ONLY, on);
    bind_to(socket, address, port);
    set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, one_hop);
    set(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, off);
    set(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, off);
    set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, on);
    return socket;
}

Origin seed_at(const std::string& text, std::uint16_t port) {
    addrinfo wanted{}, *found = nullptr;
    wanted.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    wanted.ai_socktype = SOCK_DGRAM;
    if (::getaddrinfo(text.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0)
        throw Error(fmt::format("cannot send beacons to '{}': it is no address", text), "name seeds by their addresses");
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    sockaddr_storage address{};
    std::memcpy(&address, found->ai_addr, found->ai_addrlen);
    return {address, found->ai_addrlen};
}

// By the address that a datagram was sent to, which the kernel tells beside it.
bool was_sent_to_group(const msghdr& message) {
    for (const cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(one))) {
        if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(one), sizeof info);
            return IN_MULTICAST(ntohl(info.ipi_addr.s_addr));
        }
        if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(one), sizeof info);
            return IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
        }
    }
    return false;
}

} // namespace

bool Origin::operator==(const Origin& other) const noexcept {
    if (address_.ss_family != other.address_.ss_family) return false;
    if (address_.ss_family == AF_INET) {
        const auto &one = reinterpret_cast<const sockaddr_in&>(address_), &two = reinterpret_cast<const sockaddr_in&>(other.address_);
        return one.sin_addr.s_addr == two.sin_addr.s_addr && one.sin_port == two.sin_port;
    }
    const auto &one = reinterpret_cast<const sockaddr_in6&>(address_), &two = reinterpret_cast<const sockaddr_in6&>(other.address_);
    return IN6_ARE_ADDR_EQUAL(&one.sin6_addr, &two.sin6_addr) && one.sin6_port == two.sin6_port && one.sin6_scope_id == two.sin6_scope_id;
}

Origin Origin::with_port(std::uint16_t port) const {
    Origin other = *this;
    if (address_.ss_family == AF_INET) reinterpret_cast<sockaddr_in*>(&other.address_)->sin_port = htons(port);
    if (address_.ss_family == AF_INET6) reinterpret_cast<sockaddr_in6*>(&other.address_)->sin6_port = htons(port);
    return other;
}

std::string Origin::text() const {
    std::array<char, NI_MAXHOST> host{};
    return ::getnameinfo(address(), length_, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0 ? host.data() : "?";
}

BeaconPort::BeaconPort(Options options) : options_(std::move(options)), ipv4_(open_ipv4(options_.port)), ipv6_(open_ipv6(options_.port)) {
    if (!ipv4_ && !ipv6_) throw Error("cannot listen for beacons: the kernel has neither IPv4 nor IPv6");
    for (const auto& seed : options_.seeds) seeds_.push_back(seed_at(seed, options_.port));
    look_around();
}

std::vector<BeaconPort::Interface> BeaconPort::with_carrier() {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) throw system_error("list", "network interfaces");
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(all, ::freeifaddrs);
    constexpr unsigned needed = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
    std::vector<Interface> found;
    for (const ifaddrs* entry = all; entry != nullptr; entry = entry->ifa_next)
        if ((entry->ifa_flags & (needed | IFF_LOOPBACK)) == needed) found.push_back({::if_nametoindex(entry->ifa_name), entry->ifa_name});
    std::ranges::sort(found);
    const auto doubled = std::ranges::unique(found);
    found.erase(doubled.begin(), doubled.end());
    return found;
}

bool BeaconPort::look_around() {
    if (!options_.groups) return false;
    auto now = with_carrier();
    if (now == interfaces_) return false;
    interfaces_ = std::move(now);
    for (const auto& interface : interfaces_) join(interface);
    return true;
}

// Joining twice is refused, which does no harm; an interface that is gone has left its groups.
void BeaconPort::join(const Interface& interface) {
    ip_mreqn ipv4{};
    ::inet_pton(AF_INET, options_.groups->ipv4, &ipv4.imr_multiaddr);
    ipv4.imr_ifindex = static_cast<int>(interface.index);
    if (ipv4_) ::setsockopt(ipv4_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &ipv4, sizeof ipv4);
    ipv6_mreq ipv6{};
    ::inet_pton(AF_INET6, options_.groups->ipv6, &ipv6.ipv6mr_multiaddr);
    ipv6.ipv6mr_interface = interface.index;
    if (ipv6_) ::setsockopt(ipv6_.get(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &ipv6, sizeof ipv6);
}

void BeaconPort::send_to_group(int family, const Interface& interface, ByteView datagram) {
    if (family == AF_INET) {
        ip_mreqn way{};
        way.imr_ifindex = static_cast<int>(interface.index);
        ::setsockopt(ipv4_.get(), IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof way);
        sockaddr_in group{};
        group.sin_family = AF_INET;
        group.sin_port = htons(options_.port);
        ::inet_pton(AF_INET, options_.groups->ipv4, &group.sin_addr);
        ::sendto(ipv4_.get(), datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&group), sizeof group);
        return;
    }
    sockaddr_in6 group{};
    group.sin6_family = AF_INET6;
    group.sin6_port = htons(options_.port);
    group.sin6_scope_id = interface.index;
    ::inet_pton(AF_INET6, options_.groups->ipv6, &group.sin6_addr);
    ::sendto(ipv6_.get(), datagram.data(), datagram.size(), 0, reinterpret_cast<const sockaddr*>(&group), sizeof group);
}

void BeaconPort::send(ByteView datagram) {
    for (const auto& interface : interfaces_) {
        if (ipv4_) send_to_group(AF_INET, interface, datagram);
        if (ipv6_) send_to_group(AF_INET6, interface, datagram);
    }
    for (const auto& seed : seeds_) send_one(seed, datagram);
}

void BeaconPort::send_to(const Origin& node, ByteView datagram) {
    const Origin there = node.with_port(options_.port);
    if (std::ranges::find(seeds_, there) == seeds_.end()) send_one(there, datagram);
}

void BeaconPort::send_one(const Origin& to, ByteView datagram) {
    const Fd& socket = to.address()->sa_family == AF_INET ? ipv4_ : ipv6_;
    if (socket) ::sendto(socket.get(), datagram.data(), datagram.size(), 0, to.address(), to.length());
}

std::optional<Datagram> BeaconPort::receive() {
    for (const Fd* socket : {&ipv6_, &ipv4_}) {
        if (!*socket) continue;
        std::array<std::byte, most_bytes + 1> buffer;
        for (;;) {
            sockaddr_storage from{};
            alignas(cmsghdr) std::array<std::byte, 128> beside;
            iovec part{buffer.data(), buffer.size()};
            msghdr message{};
            message.msg_name = &from;
            message.msg_namelen = sizeof from;
            message.msg_iov = &part;
            message.msg_iovlen = 1;
            message.msg_control = beside.data();
            message.msg_controllen = beside.size();
            const auto got = ::recvmsg(socket->get(), &message, 0);
            // An error that belongs to a datagram that was sent (ICMP) is taken away by reading it.
            if (got < 0 && (errno == EINTR || errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH)) continue;
            if (got < 0) break;
            if (static_cast<std::size_t>(got) > most_bytes) continue;
            return Datagram{Bytes(buffer.begin(), buffer.begin() + got), Origin(from, message.msg_namelen), was_sent_to_group(message)};
        }
    }
    return std::nullopt;
}

std::vector<int> BeaconPort::descriptors() const {
    std::vector<int> all;
    for (const Fd* socket : {&ipv6_, &ipv4_})
        if (*socket) all.push_back(socket->get());
    return all;
}

} // namespace ashlar::beacon_port

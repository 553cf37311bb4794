#pragma once

// Where beacons leave and arrive: UDP on every interface that has a carrier, by IPv6 and IPv4 multicast of the link, and to
// seeds behind routers. What is in a datagram is not looked at here. docs/formats/beacon.md, "On the wire".
//
// Interfaces come and go, and so do their addresses: look_around() finds those of now. A node on which one family is switched off uses
// the other. Used by one thread.

#include <base/file.hpp>
#include <signing/bytes.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace ashlar::beacon_port {

inline constexpr std::size_t most_bytes = 500; // of a datagram

// A socket's address, as the kernel gave it: with the interface, where it means something on that link only.
class Origin {
public:
    Origin() = default;
    Origin(const sockaddr_storage& address, socklen_t length) : address_(address), length_(length) {}

    [[nodiscard]] const sockaddr* address() const noexcept { return reinterpret_cast<const sockaddr*>(&address_); }
    [[nodiscard]] socklen_t length() const noexcept { return length_; }
    [[nodiscard]] Origin with_port(std::uint16_t port) const;
    [[nodiscard]] std::string text() const; // "fe80::1%eth0", "10.0.0.1"
    [[nodiscard]] bool operator==(const Origin& other) const noexcept;

private:
    sockaddr_storage address_{};
    socklen_t length_ = 0;
};

struct Datagram {
    Bytes bytes;
    Origin from;
    bool to_group = false; // not to this node alone
};

struct Groups {
    const char* ipv4; // "224.0.0.247"
    const char* ipv6; // "ff02::4747"
};
struct Options {
    std::uint16_t port = 0;
    std::optional<Groups> groups;   // nothing: seeds alone
    std::vector<std::string> seeds; // addresses
};

class BeaconPort {
public:
    // An Error when neither family gives a socket, when the port is taken, or when a seed is no address.
    explicit BeaconPort(Options options);

    // Joins the groups on interfaces that came. True: there are others than before.
    bool look_around();
    // To both groups on each interface, and to each seed. What an interface does not take is lost, as on any network.
    void send(ByteView datagram);
    // To one node more, unless it is a seed, which has it already.
    void send_to(const Origin& node, ByteView datagram);
    // The next one that has arrived; nothing when there is none. Longer ones are dropped.
    [[nodiscard]] std::optional<Datagram> receive();
    // To wait for: readable when there may be one.
    [[nodiscard]] std::vector<int> descriptors() const;

private:
    struct Interface {
        unsigned index;
        std::string name;
        auto operator<=>(const Interface&) const = default;
    };
    [[nodiscard]] static std::vector<Interface> with_carrier();
    void join(const Interface& interface);
    void send_to_group(int family, const Interface& interface, ByteView datagram);
    void send_one(const Origin& to, ByteView datagram);

    Options options_;
    std::vector<Origin> seeds_;
    Fd ipv4_, ipv6_;
    std::vector<Interface> interfaces_;
};

} // namespace ashlar::beacon_port

#pragma once

// Where voters are asked: TCP, site::voters_port, TLS 1.3 with certificates on both sides. docs/formats/voters-interface.md.
//
// A conversation is as many requests as its peer has, one after the other. So many at a time have a thread, a few more wait, and one address
// has only some of them; who is slow is cut off.

#include <voters/desk.hpp>

#include <channel/channel.hpp>
#include <etcd/https_door.hpp>
#include <sockets/sockets.hpp>
#include <sockets/workers.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace ashlar::voters {

struct PortParts {
    Desk& desk;
    const SigningKey& key; // the node's own
    std::function<certificates::SiteCertificate()> certificate; // of now: it is renewed
    const certificates::Trust& trust;
    etcd::OpenSession etcd; // one for each conversation
    std::function<Time()> now;
};

struct PortLimits {
    std::size_t conversations = 16, waiting = 128;
    std::size_t of_one_address = 6;          // under way and waiting
    std::chrono::milliseconds handshake{3'000};
    std::chrono::milliseconds request{5'000}; // the first one, and each answer on its way back
    std::chrono::milliseconds next{500};      // from an answer to the end of the next request
    std::chrono::milliseconds whole{60'000};
};

class VotersPort {
public:
    // `port`: 0 is any. An Error when it is taken.
    VotersPort(PortParts parts, std::uint16_t port, PortLimits limits = {});
    VotersPort(const VotersPort&) = delete;
    VotersPort& operator=(const VotersPort&) = delete;
    ~VotersPort() = default; // what is under way is waited for: seconds

    [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

private:
    class Place;
    void take(Fd connection);
    void converse(Fd connection, const std::string& from);
    void answer(channel::Channel& channel, const Certified& asker);

    const PortParts parts_;
    const PortLimits limits_;

    std::mutex mutex_; // of what follows
    std::map<std::string, std::size_t> places_; // by address: those under way and waiting

    sockets::Workers workers_;
    sockets::Listener listener_;
};

} // namespace ashlar::voters

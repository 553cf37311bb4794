#pragma once

// The site port while a site is founded: nodes that hold the site key tell each other one message a connection, and each proves which
// node it is and which life it lives. docs/formats/genesis.md, "On the wire".
//
// What cannot be told is lost: the core asks again.

#include <beacon/beacon.hpp>
#include <beacon_port/beacon_port.hpp>
#include <channel/channel.hpp>
#include <founding/message.hpp>
#include <sockets/sockets.hpp>
#include <sockets/workers.hpp>

#include <cstdint>
#include <functional>

namespace ashlar::membership {

// Who proved to have said something.
struct Speaker {
    NodeId node;
    beacon::Life life;
};

// As whom this node speaks. All of it outlives the port.
struct Voice {
    const SigningKey& key;
    const SiteId& site;
    const Secret& enrolment_key; // derived from the site's
    beacon::Life life;
};

class SitePort {
public:
    // Called from threads of the port.
    using Hear = std::function<void(const Speaker& speaker, founding::Message message)>;

    SitePort(Voice voice, std::uint16_t port, Hear hear);
    SitePort(const SitePort&) = delete;
    SitePort& operator=(const SitePort&) = delete;
    ~SitePort() = default; // what is under way is waited for: seconds

    // Returns at once.
    void tell(const beacon_port::Origin& to, const NodeId& node, founding::Message message);

private:
    void answer(Fd connection);
    void speak(const beacon_port::Origin& to, const NodeId& node, const founding::Message& message);

    const Voice voice_;
    const NodeId node_;
    const Hear hear_;
    sockets::Workers workers_;
    sockets::Listener listener_;
};

} // namespace ashlar::membership

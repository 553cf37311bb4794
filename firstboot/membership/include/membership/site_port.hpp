#pragma once

// The site port while a site is founded: nodes that hold the site key tell each other one message a connection, and each proves which
// node it is and which life it lives. docs/formats/genesis.md, "On the wire".
//
// What cannot be told is lost: the core asks again. Strangers who connect and prove nothing keep this node neither from hearing nor
// from speaking.

#include <beacon/beacon.hpp>
#include <beacon_port/beacon_port.hpp>
#include <channel/channel.hpp>
#include <founding/message.hpp>
#include <site/key.hpp>
#include <sockets/sockets.hpp>
#include <sockets/waiting_room.hpp>
#include <sockets/workers.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
    const std::vector<channel::SharedKey>& keys; // derived from the site's: by the first it speaks, by another one to whoever does not have that; all are heard
    beacon::Life life;
};

// By which a key of the site is asked for in a channel: half a digest of the site as in beacons, and which of its keys.
[[nodiscard]] std::string identity_of(const SiteId& site, const site::KeyId& key);

// Who takes those that want to be members: a voter of a site that has begun. Called from threads of the port, several at once.
class Reception {
public:
    virtual ~Reception() = default;
    // The key of a ticket, by its public part; nothing when it is none of this site's.
    [[nodiscard]] virtual std::optional<Secret> key_of(std::string_view identity) = 0;
    // `first`: message "enrol". Returns soon: whoever waits for a person waits elsewhere.
    virtual void receive(channel::Channel channel, Json first) = 0;
};

class SitePort {
public:
    // Called from threads of the port.
    using Hear = std::function<void(const Speaker& speaker, founding::Message message)>;

    SitePort(Voice voice, std::uint16_t port, Hear hear);
    SitePort(const SitePort&) = delete;
    SitePort& operator=(const SitePort&) = delete;
    ~SitePort() = default; // what is under way is waited for: seconds

    // From now on. Until then nobody is received here.
    void receive_by(std::shared_ptr<Reception> reception);

    // Returns at once.
    void tell(const beacon_port::Origin& to, const NodeId& node, founding::Message message);

private:
    void admit(Fd connection);
    void answer(Fd connection, std::uint64_t number);
    void hear(channel::Channel channel, const std::shared_ptr<Reception>& reception, channel::Deadline until);
    [[nodiscard]] std::shared_ptr<Reception> reception() const;
    void speak(const beacon_port::Origin& to, const NodeId& node, const founding::Message& message);
    // Nothing: nobody is there, or has that key.
    [[nodiscard]] static std::optional<channel::Channel> opened(const beacon_port::Origin& to, const channel::SharedKey& key, channel::Deadline until);
    [[nodiscard]] const channel::SharedKey* key_of(std::string_view identity) const;

    const Voice voice_;
    const NodeId node_;
    const Hear hear_;
    mutable std::mutex mutex_; // what follows
    std::shared_ptr<Reception> reception_;

    sockets::WaitingRoom strangers_;
    sockets::Workers telling_, answering_;
    sockets::Listener listener_;
};

} // namespace ashlar::membership

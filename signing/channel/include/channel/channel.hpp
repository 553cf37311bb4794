#pragma once

// A connection on which both sides know who the other one is: TLS 1.3 (RFC 8446), and frames of JSON in it.
// docs/formats/site-channel.md.
//
// Two kinds: before a node has a certificate, both hold one key (an external PSK, with an ephemeral (EC)DH exchange, so that
// who learns the key later reads nothing of before); afterwards both have certificates of the site's authority. Nothing else is
// spoken: no older TLS, no tickets, no early data.
//
// Blocking, with deadlines. Used by one thread at a time.

#include <base/file.hpp>
#include <base/json.hpp>
#include <certificates/authority.hpp>
#include <signing/secret.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ashlar::channel {

using Deadline = std::chrono::steady_clock::time_point;

inline constexpr std::size_t most_frame = std::size_t{1} << 20U; // bytes of JSON

// Both sides hold 32 bytes or more of one key. `identity` says which one, and is read by whoever listens on the wire.
struct SharedKey {
    std::string identity; // at most 512 bytes
    Secret key;
};
// The keys that a server takes: nothing for an identity that it does not know.
using SharedKeys = std::function<std::optional<Secret>(std::string_view identity)>;

struct Credentials {
    const SigningKey& key;
    const certificates::SiteCertificate& certificate;
    const certificates::Trust& trust;
};

// Who the other side has proven to be.
struct KeyHolder {
    std::string identity; // of the key; nobody in particular
    bool operator==(const KeyHolder&) const = default;
};
using Peer = std::variant<KeyHolder, certificates::Bearer>;

enum class Cause {
    not_trusted, // it could not prove that it holds the key, or its certificate does not count
    not_us,      // it did not trust us, and said so
    not_ours,    // it does not speak TLS 1.3, or not what is spoken here
    another,     // it is somebody, but not the one that was expected
    closed,      // the connection ended
    late,        // the deadline
};
struct Refusal {
    Cause cause;
    std::string text; // "its certificate expired at …"
};

class Channel {
public:
    Channel(Channel&&) noexcept;
    Channel& operator=(Channel&&) noexcept;
    ~Channel(); // closes; what was sent may not have arrived

    [[nodiscard]] const Peer& peer() const noexcept;
    // The one that the other side has shown, and holds the key of; nothing where both hold one key.
    [[nodiscard]] std::optional<certificates::SiteCertificate> certificate() const;

    // An Error when it cannot be sent by then, or is larger than most_frame, or has control characters in it.
    void send(const Json& message, Deadline deadline);
    // Nothing when the other side has ended the conversation between two frames. An Error when the connection was cut, at the
    // deadline, and for whatever is no frame. After an Error there is nothing more to be had from it.
    [[nodiscard]] std::optional<Json> receive(Deadline deadline);
    // Tells the other side that this was all.
    void close(Deadline deadline);

    // 32 bytes that both sides of this one connection have and nobody else (RFC 8446, 7.5): who stands in the middle of two
    // connections has two of them.
    [[nodiscard]] Bytes exporter(std::string_view label) const;

private:
    friend struct Opening;
    struct State;
    explicit Channel(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

using Opened = std::variant<Channel, Refusal>;

// Over a connected stream socket, which becomes theirs. They return when both sides trust each other, or with a Refusal, whatever
// the other side sends; an Error is for what fails here.
[[nodiscard]] Opened connect(Fd socket, const SharedKey& key, Deadline deadline);
[[nodiscard]] Opened accept(Fd socket, const SharedKeys& keys, Deadline deadline);

// `now` is for certificates. `expected`: the node that must answer, where it is known who lives there.
[[nodiscard]] Opened connect(Fd socket, const Credentials& own, std::optional<NodeId> expected, Time now, Deadline deadline);
[[nodiscard]] Opened accept(Fd socket, const Credentials& own, Time now, Deadline deadline);

} // namespace ashlar::channel

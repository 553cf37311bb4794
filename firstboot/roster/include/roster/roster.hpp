#pragma once

// Who belongs to the site, as its etcd has it. docs/formats/roster.md.
//
// A node is its key; its name may pass to another one when it is replaced. Whoever was removed stays in the roster as one who was:
// its certificates count for nothing from then on.
//
// Nothing here has a time to live. Every change is one transaction that names what it was decided on (Stored::revision).

#include <base/id.hpp>
#include <certificates/bearer.hpp>
#include <etcd/client.hpp>
#include <signing/bytes.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::roster {

struct Member {
    enum class State { member, removed };

    VerifyingKey key;
    certificates::NodeBearer bearer; // its node id is that of the key
    std::string serial;              // of the board on which it is; empty where it has none
    State state = State::member;
    Time since{};                    // when it became so
    bool operator==(const Member&) const = default;

    [[nodiscard]] const NodeId& node() const noexcept { return bearer.node; }
};

// A voter: a node with a member of the site's etcd, and with the keys that any one voter must have. Each is sealed to it.
struct Seat {
    std::string address;      // where its etcd is reached
    Bytes authority;          // key of the site's authority
    Bytes etcd_authority;     // key of etcd's
    Bytes site_key;           // by which newcomers and beacons are known
    bool operator==(const Seat&) const = default;
};

template <typename Value> struct Stored {
    Value value;
    etcd::Revision revision = 0; // of the key
};

struct Roster {
    std::map<NodeId, Stored<Member>> nodes; // also those that were removed
    std::map<NodeId, Stored<Seat>> seats;

    [[nodiscard]] const Member* member(const NodeId& node) const;         // nothing for one that was removed
    [[nodiscard]] const Member* member_called(std::string_view name) const;
    [[nodiscard]] std::vector<const Member*> members() const;            // by name
};

// An Error when etcd cannot be read, or has what this release does not understand.
[[nodiscard]] Roster read(etcd::Client& client);

// As read(), but what has not changed since the last time is not read again. From any thread.
class Known {
public:
    [[nodiscard]] std::shared_ptr<const Roster> read(etcd::Client& client);

private:
    std::mutex mutex_;
    std::shared_ptr<const Roster> roster_;
    etcd::Extent nodes_, seats_;
};

[[nodiscard]] std::string text_of(const Member& member);
[[nodiscard]] std::string text_of(const Seat& seat);
[[nodiscard]] Member member_from(std::string_view text);
[[nodiscard]] Seat seat_from(std::string_view text);

namespace key {
inline constexpr std::string_view nodes = "/nodes/", seats = "/seats/", applicants = "/applicants/";
[[nodiscard]] std::string node(const NodeId& node);
[[nodiscard]] std::string name(std::string_view name);       // holds the id of the member that has it
[[nodiscard]] std::string seat(const NodeId& node);
[[nodiscard]] std::string ticket(std::string_view ticket);   // ids of the nodes that were enrolled by it
[[nodiscard]] std::string approval(const NodeId& node);      // there: an operator has approved that very key
[[nodiscard]] std::string denial(const NodeId& node);        // there: an operator has turned it away
[[nodiscard]] std::string replacement(std::string_view name); // there: whoever comes next under that name may replace who has it
[[nodiscard]] std::string wipe(const NodeId& node);          // there: it was removed, and is to erase what it has
[[nodiscard]] std::string applicant(const NodeId& node);     // a newcomer that waits for an operator
} // namespace key

} // namespace ashlar::roster

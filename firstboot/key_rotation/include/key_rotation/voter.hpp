#pragma once

// What a voter does about the site's key: it says which one counts, hands it to the members, and takes another one in its place.
// docs/formats/site-key.md, docs/formats/voters-interface.md.

#include <key_rotation/record.hpp>

#include <etcd/client.hpp>
#include <signing/message_key.hpp>
#include <voters/desk.hpp>

#include <optional>
#include <string>

namespace ashlar::key_rotation {

// All of it outlives whoever uses it.
struct Voter {
    const SiteId& site;
    const SigningKey& key;     // the node's own
    const site::SiteKey& seat; // with which it has its seat: what counts while etcd knows no other
};

struct Keys {
    site::SiteKey key;
    std::optional<site::SiteKey> former; // while it is rotated
};
// Those that count now. An Error where this voter has no copy of them yet.
[[nodiscard]] Keys keys_now(etcd::Client& client, const Voter& voter);

// `site.key`: of a member, which says what it hears, and is given the key of now, sealed to it. Who was enrolled by a ticket and has no seat is
// given a ticket of its own in its place, which is good for that very node.
[[nodiscard]] voters::Handler hands_out(Voter voter);
[[nodiscard]] voters::Handler shows(Voter voter);    // `site.key.status`
[[nodiscard]] voters::Handler rotates(Voter voter);  // `site.key.rotate`
[[nodiscard]] voters::Handler finishes();            // `site.key.finish`

// From time to time, by every voter: see tended(). `who`: for the audit log.
void tend(etcd::Client& client, const Voter& voter, const roster::Roster& roster, const std::string& who, Time now);

// ---- The other side: a member -------------------------------------------------------------------

// What it says of itself, and what it does with the answer.
enum class Has { key, ticket };
[[nodiscard]] Json question(const Held& held, Has has);

struct Told {
    std::optional<site::KeyId> key;    // nothing: the site's key was never rotated
    std::optional<site::KeyId> former; // while it is
    std::optional<Secret> site_key, ticket; // the text of the file; where it is another one than the member has
};
// An Error for an answer that is none, or is not sealed to this node.
[[nodiscard]] Told told(const Json& answer, const SiteId& site, const SigningKey& node);

enum class Next {
    nothing,
    take, // the key that it was told; that which it has is the former one where the site still hears it, and goes otherwise
    drop, // the former one
};
[[nodiscard]] Next next(const Held& held, const Told& told);

} // namespace ashlar::key_rotation

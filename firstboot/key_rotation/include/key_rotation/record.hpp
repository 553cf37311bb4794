#pragma once

// The site's key as its etcd has it since it was rotated for the first time: docs/formats/site-key.md. It is there for the voters alone, sealed to
// each of them. Pure.

#include <base/id.hpp>
#include <roster/roster.hpp>
#include <signing/bytes.hpp>
#include <signing/message_key.hpp>
#include <signing/secret.hpp>
#include <site/key.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::key_rotation {

struct SealedKey {
    site::KeyId id;
    std::map<NodeId, Bytes> copies; // by voter
    bool operator==(const SealedKey&) const = default;
};

struct Record {
    SealedKey key;                   // of now
    std::optional<SealedKey> former; // there while it is rotated
    bool operator==(const Record&) const = default;
};
[[nodiscard]] std::string text_of(const Record& record);
// An Error for what text_of() does not write.
[[nodiscard]] Record record_from(std::string_view text);

using Voters = std::map<NodeId, VerifyingKey>;
// Members with a seat.
[[nodiscard]] Voters voters_in(const roster::Roster& roster);

[[nodiscard]] SealedKey sealed(const site::SiteKey& key, const Voters& voters);
// Nothing where it has no copy. An Error for one that does not open, or is another key than it says.
[[nodiscard]] std::optional<site::SiteKey> opened(const SealedKey& sealed, const SiteId& site, const SigningKey& voter);

// Which keys a node says that it hears, that of now first: "<id>" or "<id>,<id>".
struct Held {
    site::KeyId key;
    std::optional<site::KeyId> former;
    bool operator==(const Held&) const = default;
};
[[nodiscard]] std::string text_of(const Held& held);
[[nodiscard]] std::optional<Held> held_in(std::string_view text);

// What each node said last.
using Reports = std::map<NodeId, Held>;
// Names of the members that have not said that they have the key of now.
[[nodiscard]] std::vector<std::string> missing(const Record& record, const roster::Roster& roster, const Reports& reports);

// What a voter writes in the place of it: copies for the voters that have none, none for those that are no more, and no key of before when
// everybody has that of now. Nothing: it is as it should be, or this voter has no copy itself.
[[nodiscard]] std::optional<Record> tended(const Record& record, const roster::Roster& roster, const Reports& reports, const SiteId& site, const SigningKey& voter);

namespace key {
inline constexpr std::string_view record = "/site_key", held = "/site_key/held/"; // then a node's id
[[nodiscard]] std::string held_by(const NodeId& node);
} // namespace key

} // namespace ashlar::key_rotation

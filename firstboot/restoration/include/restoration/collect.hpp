#pragma once

// What a voter puts into a backup: docs/formats/site-backup.md.

#include <backup/backup.hpp>
#include <etcd/client.hpp>
#include <genesis/value.hpp>
#include <signing/message_key.hpp>

#include <string>

namespace ashlar::restoration {

struct Voter {
    const genesis::Value& value;
    const genesis::Authorities& authorities;
    const Secret& site_key;  // the text of the file
    const SigningKey& key;   // the node's own
    std::string site_name;
};

struct Collected {
    backup::Header header;
    backup::Content content;
};
// An Error when etcd cannot be read, and when there is a secret of which this voter has no copy.
[[nodiscard]] Collected collect(etcd::Client& client, const Voter& voter, Time now);

// Whether a restore file can be made of it, with all that is in it.
[[nodiscard]] bool fits_on_media(backup::Header header, backup::Content content, const site::SiteKey& key);

inline constexpr std::size_t most_audit = 5000; // entries, the newest

} // namespace ashlar::restoration

#pragma once

// A site that was lost goes on: what its new voters make of the restore file of their media. docs/formats/site-backup.md.

#include <backup/backup.hpp>
#include <etcd/client.hpp>
#include <genesis/value.hpp>
#include <site/key.hpp>

#include <string>
#include <string_view>

namespace ashlar::restoration {

// With what the voters agree on a genesis: the authorities that the site had, and what is restored. An Error for a file that does not open,
// and for one that is not whole.
[[nodiscard]] genesis::Past past_of(std::string_view file, const site::SiteKey& key);

// Whether all of it is in the site's etcd.
[[nodiscard]] bool is_done(etcd::Client& client);

// Writes it, as far as others have not, and returns when all of it is there. May be cut off anywhere, and done by several voters at once. An
// Error for another file than the one that was agreed on. `who`: for the audit log.
void restore(etcd::Client& client, const genesis::Value& value, std::string_view file, const site::SiteKey& key, const std::string& who, Time now);

} // namespace ashlar::restoration

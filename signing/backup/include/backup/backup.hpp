#pragma once

// What outlives the hardware of a site, in one file: docs/formats/site-backup.md. Two kinds of it:
//
//     a backup        sealed to the site's recovery key, which is on none of its nodes
//     a restore file  made from it by whoever has that key, for media; encrypted under the site key, which lies beside it there
//
// Both are text of two lines: a header that anybody may read, and the body. A byte that was changed anywhere is refused.

#include <base/id.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <signing/sealing.hpp>
#include <signing/secret.hpp>
#include <site/key.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::backup {

inline constexpr std::size_t most_backup = 1'000'000;  // bytes: what one answer of a voter holds
inline constexpr std::size_t most_restore = 393'216;   // what the state of a node has room for

// Of the site's etcd: bytes.
struct Pair {
    std::string key, value;
    bool operator==(const Pair&) const = default;
};

// In the clear: the nodes to which it was sealed are gone when it is wanted.
struct FormationSecret {
    std::string formation, name;
    Secret value;
};

struct Content {
    std::string genesis;                // the genesis value's text
    Secret authority, etcd_authority;   // PKCS #8 in PEM
    Secret site_key;                    // the text of the file
    std::vector<FormationSecret> secrets; // by formation and name
    std::vector<Pair> pairs;            // by key
};

struct Holdings {
    std::uint64_t nodes = 0, secrets = 0, pairs = 0, audit = 0, audit_left_out = 0;
    bool operator==(const Holdings&) const = default;
};
// What anybody may read, and nobody change.
struct Header {
    SiteId site;
    std::string name;  // of the site
    GenesisId genesis;
    Time made;         // the backup
    Holdings holds;
    bool operator==(const Header&) const = default;
};
struct BackupHeader {
    Header header;
    Digest recovery_key; // which key opens it: SHA-256 of SubjectPublicKeyInfo
};

// An Error for more than `most_backup`, and for pairs or secrets that are not in order.
[[nodiscard]] std::string write_backup(const Header& header, const Content& content, const PublicKey& recovery);
// `name`: of the file, for errors. Whether the header is the one that was written is known when it is opened.
[[nodiscard]] BackupHeader read_backup_header(std::string_view text, std::string_view name);
[[nodiscard]] Content open_backup(std::string_view text, std::string_view name, const OpeningKey& recovery);

// An Error for more than `most_restore`.
[[nodiscard]] std::string write_restore(const Header& header, const Content& content, const site::SiteKey& key);
[[nodiscard]] Header read_restore_header(std::string_view text, std::string_view name);
// An Error for the key of another site too.
[[nodiscard]] Content open_restore(std::string_view text, std::string_view name, const site::SiteKey& key);

} // namespace ashlar::backup

#pragma once

// Release metadata after The Update Framework 1.0 (docs/formats/trust.md): what the files say. Nothing here is verified;
// <tuf/trusted.hpp> does that.
//
// A reader takes what the specification lets others add (unknown members are kept, they are signed too), and refuses what it
// cannot mean: wrong types, missing members, members named twice, numbers that are no integers of 63 bits.

#include <base/error.hpp>
#include <base/json.hpp>
#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>
#include <signing/message_key.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::tuf {

// Why a file is refused.
enum class Fault {
    malformed, // it is no such file
    threshold, // too few have signed it
    expired,
    rollback, // older than what was seen
    mismatch, // not the bytes, the length or the version that another file names
    missing,
    endless, // more bytes, or more files, than it may have
};
class MetadataError : public Error {
public:
    MetadataError(Fault fault, std::string message, std::string hint = {}) : Error(std::move(message), std::move(hint)), fault_(fault) {}
    [[nodiscard]] Fault fault() const noexcept { return fault_; }

private:
    Fault fault_;
};

// The bytes that are signed: canonical JSON (docs/formats/trust.md). An Error for numbers that are no integers.
[[nodiscard]] std::string canonical_json(const Json& value);

struct Signature {
    std::string key_id;
    Bytes bytes; // empty where the file has something that is no hexadecimal: that fits nothing
};

struct Key {
    std::string id;
    Json value; // as metadata has it
    // Nothing for a scheme that this program does not know, and for what is no key of its scheme: it counts for no threshold.
    std::optional<VerifyingKey> key;
};
// As Ashlar writes it. The id is the SHA-256 of its canonical JSON.
[[nodiscard]] Key key_of(const VerifyingKey& key);
[[nodiscard]] std::string id_of(const VerifyingKey& key);

// Who must sign: `threshold` different ones of these keys.
struct Role {
    std::vector<std::string> key_ids; // none twice
    std::uint64_t threshold = 1;      // from 1 on
};

using Keys = std::map<std::string, Key, std::less<>>; // by id

// What stands in every file.
struct Common {
    std::uint64_t version = 0; // from 1 on
    Time expires;
    std::optional<Time> issued; // "x-ashlar-issued", before `expires`
};

struct Root : Common {
    bool consistent_snapshot = false;
    Keys keys;
    Role root, targets, snapshot, timestamp;
    std::optional<Role> bundle; // "x-ashlar-bundle"
};

using Hashes = std::map<std::string, std::string, std::less<>>; // algorithm → lower-case hex

// Of another metadata file.
struct FileMeta {
    std::uint64_t version = 0;
    std::optional<std::uint64_t> length; // bytes
    Hashes hashes;                       // empty: none are named
};
// With length and SHA-256.
[[nodiscard]] FileMeta file_meta_of(std::string_view text, std::uint64_t version);

struct Timestamp : Common {
    FileMeta snapshot;
};
struct Snapshot : Common {
    std::map<std::string, FileMeta, std::less<>> meta; // by name, "train-R1.json"
};

struct Target {
    std::uint64_t length = 0; // bytes
    Hashes hashes;            // at least one
    Json custom;              // null: none
    // SHA-256 of it; an Error when it has none.
    [[nodiscard]] Digest sha256() const;
};

struct DelegatedRole {
    std::string name;
    Role role;
    bool terminating = false;
    std::vector<std::string> paths;              // patterns; '*' and '?' do not match '/'
    std::vector<std::string> path_hash_prefixes; // or these, of the SHA-256 of the path in hex
    [[nodiscard]] bool covers(std::string_view path) const;
};

// What a train's own metadata says of the train: "x-ashlar-train".
struct TrainTerms {
    std::string train;
    std::optional<std::string> security_floor; // a release; nothing older is installed or started
    std::map<std::string, std::string, std::less<>> revoked; // release → why
};

struct Targets : Common {
    std::map<std::string, Target, std::less<>> targets; // by path
    Keys keys;
    std::vector<DelegatedRole> delegations;
    std::optional<TrainTerms> train;
};

// What stands in place of snapshot and timestamp on a medium that is carried: docs/formats/trust.md.
// `version` is its serial.
struct Bundle : Common {
    std::string train;                                 // letters, digits, '.', '_' and '-'
    std::map<std::string, FileMeta, std::less<>> meta; // "targets.json", "train-R1.json" and whatever else is needed; all with length and SHA-256
    std::vector<std::string> targets;                  // paths of all that it carries, sorted, relative, without "." and ".."
};

// A file: what is signed, and by whom.
struct Envelope {
    Json signed_part;
    std::vector<Signature> signatures; // no key id twice
    [[nodiscard]] std::string type() const; // "root"; empty when it does not say so
    [[nodiscard]] std::string signed_bytes() const { return canonical_json(signed_part); }
};

// All throw MetadataError (malformed). `name` is for messages: "2.root.json".
[[nodiscard]] Envelope parse_envelope(std::string_view text, std::string_view name);
[[nodiscard]] Root root_of(const Envelope& envelope, std::string_view name);
[[nodiscard]] Timestamp timestamp_of(const Envelope& envelope, std::string_view name);
[[nodiscard]] Snapshot snapshot_of(const Envelope& envelope, std::string_view name);
[[nodiscard]] Targets targets_of(const Envelope& envelope, std::string_view name);
[[nodiscard]] Bundle bundle_of(const Envelope& envelope, std::string_view name);

// ---- for whoever writes metadata ---------------------------------------------------------------

// The signed part. What the reader would refuse is written all the same: read it again before it is published.
[[nodiscard]] Json json_of(const Root& root);
[[nodiscard]] Json json_of(const Timestamp& timestamp);
[[nodiscard]] Json json_of(const Snapshot& snapshot);
[[nodiscard]] Json json_of(const Targets& targets);
[[nodiscard]] Json json_of(const Bundle& bundle);

// Over envelope.signed_bytes(). A signature of the same key is replaced.
void add_signature(Envelope& envelope, const VerifyingKey& key, Bytes signature);
void sign(Envelope& envelope, const MessageSigner& signer);
[[nodiscard]] std::string text_of(const Envelope& envelope); // pretty, as it is published

// "2026-11-30T08:00:00Z"
[[nodiscard]] std::string text_of(Time time);
[[nodiscard]] std::optional<Time> time_of(std::string_view text);

} // namespace ashlar::tuf

#pragma once

// What a published release has for one role: the index that a node reads first, and what is believed of it.
// docs/formats/release-index.md.
//
// The index is not signed: it says where things are. What counts is signed in the UKI that it names: role,
// release and root hash. A wrong index can only make an upgrade fail.

#include <base/json.hpp>
#include <signing/bytes.hpp>
#include <signing/digest.hpp>
#include <signing/key.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar {

struct PublishedFile {
    std::string file; // a name without '/', beside the index
    std::uint64_t size = 0; // bytes
    bool operator==(const PublishedFile&) const = default;
};

// Blocks of a root: docs/formats/delta.md.
struct PublishedStream {
    std::optional<Digest> from; // the root hash it needs; absent: it is whole
    PublishedFile file;
    bool operator==(const PublishedStream&) const = default;
};

struct ReleaseIndex {
    std::string role, release, architecture;
    Digest root_hash;
    std::uint64_t root_size = 0; // bytes, of the data that the hash tree covers
    PublishedFile uki;
    Digest uki_digest;
    // Of the UKI: `from` is the SHA-256 of the old one. It is made of the old one's bytes, both padded with
    // zeros to whole blocks; the digests of the padded bytes stand where root hashes do.
    std::vector<PublishedStream> uki_deltas;
    std::vector<PublishedStream> streams; // one of them is whole
    bool test = false; // for nodes that try releases out: it is started once, not three times
    bool operator==(const ReleaseIndex&) const = default;
};

// "ashlar_base_amd64.release.json"
[[nodiscard]] std::string release_index_name(std::string_view role, std::string_view architecture);
[[nodiscard]] std::string release_index_text(const ReleaseIndex& index);
// Strict: unknown and missing keys, other types and names with '/' are an Error.
[[nodiscard]] ReleaseIndex parse_release_index(std::string_view text, std::string_view name);
// The same as a member of another document: <signing/cluster_release.hpp>.
[[nodiscard]] Json json_of(const ReleaseIndex& index);
[[nodiscard]] ReleaseIndex release_index_of(const Json& json, std::string_view name);

// Throws unless `uki` is signed by one of `trusted`, and is what the index says: digest, role, release and
// root hash.
void verify_release(const ReleaseIndex& index, ByteView uki, const std::vector<Certificate>& trusted);

} // namespace ashlar

#pragma once

// The node's own key: made on the node, once, and kept in the state partition, so that it outlives /var. Who the node is
// comes from it (<signing/node_id.hpp>). docs/formats/state.md, member "node".

#include <base/json.hpp>
#include <signing/message_key.hpp>
#include <tpm/sealer.hpp>

#include <filesystem>

namespace ashlar::node_key {

// The member as it is written for a key whose private half lies in the state itself, and the same for one that a TPM seals.
[[nodiscard]] Json record_of(const SigningKey& key);
[[nodiscard]] Json sealed_record(const Json& record, const tpm::Sealer& sealer);
// An Error for another algorithm or holder, for a private half that is not that of the public one, and for one that the TPM of this
// machine (none: it has none) does not give out: on another board, or when the TPM was cleared.
[[nodiscard]] SigningKey key_in(const Json& record, const tpm::Sealer* sealer = nullptr);

// The key that the state has; the first call makes it, sealed where there is a TPM, and returns when it is on the disk. A key that cannot be
// read is never made anew. An Error when the state was never written: a node has a state.
[[nodiscard]] SigningKey own_key(const std::filesystem::path& state_partition, const tpm::Sealer* sealer = nullptr);

// Of the whole content of a state: a key that an earlier release wrote, or one made where there was no TPM.
[[nodiscard]] bool lies_in_plain(const Json& state);
void seal(Json& state, const tpm::Sealer& sealer);

} // namespace ashlar::node_key

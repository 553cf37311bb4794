#pragma once

// The node's own key: made on the node, once, and kept in the state partition, so that it outlives /var. Who the node is
// comes from it (<signing/node_id.hpp>). docs/formats/state.md, member "node".

#include <base/json.hpp>
#include <signing/message_key.hpp>

#include <filesystem>

namespace ashlar::node_key {

// The member as it is written for a key whose private half lies in the state itself.
[[nodiscard]] Json record_of(const SigningKey& key);
// An Error for another algorithm or holder, and for a private half that is not that of the public one.
[[nodiscard]] SigningKey key_in(const Json& record);

// The key that the state has; the first call makes it, and returns when it is on the disk. An Error when the state was never
// written: a node has a state.
[[nodiscard]] SigningKey own_key(const std::filesystem::path& state_partition);

} // namespace ashlar::node_key

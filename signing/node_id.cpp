#include <signing/node_id.hpp>

#include <signing/digest.hpp>

#include <algorithm>

namespace ashlar {

NodeId node_id_of(const VerifyingKey& key) {
    NodeId id;
    std::ranges::copy_n(sha256(key.der()).bytes().begin(), static_cast<std::ptrdiff_t>(id.bytes.size()), id.bytes.begin());
    return id;
}

} // namespace ashlar

#pragma once

// A node forgets its data and who it was, and keeps its release, whom it lets in, and its floors:
// docs/guides/factory-reset.md.
//
//     order (signed, in the state) → restart → /var erased → /var anew → state anew → restart
//
// The order stays in the state until the last write, and each step may be done again: whoever is cut off
// anywhere goes on at the next start.

#include <base/json.hpp>
#include <reset/note.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace ashlar::node {

// In a running node: what `ashlard early` does at the next start. `release` runs; `by` is who asks. The answer is who
// the node will be. An Error when it could not be made anew: no TPM for an encrypted /var, no key of the site.
[[nodiscard]] reset::Name order_reset(const std::string& release, unsigned by);

// At the start after: carries it out. An Error leaves the order, and the next start goes on.
void reset_node(const std::function<void(std::string_view)>& say);

// What a medium has of a site in `ashlar`: zeros over each file, and they are removed. Whether there was anything. May be done again.
[[nodiscard]] bool erase_site_files(const std::filesystem::path& directory);

// Why a node with this state cannot be reset; empty when it can.
[[nodiscard]] std::string reset_obstacle(const Json& state, bool has_tpm);

} // namespace ashlar::node

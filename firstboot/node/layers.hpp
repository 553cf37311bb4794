#pragma once

// What makes a read-only root a node that can be written to, and forgets what nobody declared.

#include <filesystem>

namespace ashlar::node {

// A layer in memory over <root>/etc.
void mount_etc(const std::filesystem::path& root);
// What services declared as their state (<root>/usr/lib/ashlar/state.json) is found again below <root>/var, which is mounted.
void redirect_state(const std::filesystem::path& root);
// What the layer holds now is what drift is measured against.
void record_etc();

} // namespace ashlar::node

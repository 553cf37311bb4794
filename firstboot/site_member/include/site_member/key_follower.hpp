#pragma once

// How a node takes over another key of its site: what it says that it has, and what it keeps. Pure. docs/formats/site-key.md.

#include <key_rotation/voter.hpp>
#include <membership/membership.hpp>
#include <node/site_files.hpp>

#include <map>
#include <optional>
#include <string>

namespace ashlar::site_member {

// Of a node that has a key or a ticket.
[[nodiscard]] Secret beacon_key_of(const node::SiteFiles& files);
// While the key is rotated.
[[nodiscard]] std::optional<membership::FormerKeys> former_keys_of(const node::SiteFiles& files);
[[nodiscard]] key_rotation::Held held_by(const node::SiteFiles& files);
[[nodiscard]] key_rotation::Has kind_of(const node::SiteFiles& files);

// What keep_keys() is to keep from now on; nothing: it stays as it is.
[[nodiscard]] std::optional<std::map<std::string, std::string>> followed(const node::SiteFiles& files, const key_rotation::Told& told);

} // namespace ashlar::site_member

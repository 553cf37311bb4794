#pragma once

// Reading rules for disks: the keys that [install.disk] and [[disks.NAME]] share.

#include <site/disk_rule.hpp>

#include <toml/reader.hpp>

namespace ashlar::site {

// "200 GiB" in bytes.
[[nodiscard]] std::optional<std::uint64_t> read_size(toml::Table& table, std::string_view key);
void read_wipe(toml::Table& table, DiskRule& rule);
// All but `wipe`.
void read_disk_match(toml::Table& table, DiskRule& rule);

} // namespace ashlar::site

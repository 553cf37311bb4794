#pragma once

// The firmware's own entry for the disk of a node, by efibootmgr(8).

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::node {

// What our entries are called.
inline constexpr std::string_view boot_entry_label = "Ashlar";

// The numbers ("0004") of the entries with that label, from what efibootmgr prints.
[[nodiscard]] std::vector<std::string> entries_labelled(std::string_view label, std::string_view printed);

// Makes an entry for the boot loader on a partition, first in the order, in place of older ones of ours.
// Firmware that keeps none is no failure, because the disk also starts without: then why, for people.
[[nodiscard]] std::optional<std::string> put_first(const std::filesystem::path& disk, unsigned boot_partition);

} // namespace ashlar::node

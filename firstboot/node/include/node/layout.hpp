#pragma once

// The disk of an installed node: docs/formats/node-disk.md. Pure: sizes and names in, definitions of
// repart.d(5) and a command of systemd-repart(8) out.

#include <disks/disk.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ashlar::node {

// What becomes slot A: the medium's partitions, and what they are called on the node's disk.
struct Slot {
    disks::Partition root, verity;
    std::uint64_t root_size = 0, verity_size = 0; // bytes
    std::string release;
};

enum class Var { plain, encrypted }; // encrypted: LUKS2, opened by a key file so far

// File name → definition, in the order of the partitions.
using Definitions = std::map<std::string, std::string>;

// Bytes that a disk must have.
[[nodiscard]] std::uint64_t minimum_size(const Slot& medium);
[[nodiscard]] Definitions definitions(const Slot& medium, Var var);

// For a node that lives on its medium: the medium's partitions stay as they are, and behind them come
// *state*, two empty slots (the medium's own has no room for another release), and /var. What an
// earlier attempt put there is replaced (systemd-repart --factory-reset).
[[nodiscard]] std::uint64_t minimum_size_in_place(const Slot& medium, std::uint64_t medium_size);
[[nodiscard]] Definitions definitions_in_place(const Slot& medium, Var var);

// /var alone, anew, in the room of the one that is there; all other partitions stay as and where they are.
[[nodiscard]] Definitions definitions_of_var(Var var);

// Anew: the whole disk. Kept: what is there stays but for what the definitions make anew.
enum class Table { anew, kept };
// `definitions`: the directory that has them. `key_file`: of the partition that is encrypted.
[[nodiscard]] std::vector<std::string> repart_command(Table table, const std::filesystem::path& definitions, const std::filesystem::path& disk,
                                                      const std::optional<std::filesystem::path>& key_file);

} // namespace ashlar::node

#pragma once

// The two slots of a node's disk: docs/formats/node-disk.md. Pure: a partition table in, places and changes
// of the table out.

#include <gpt/table.hpp>
#include <signing/digest.hpp>

#include <string>
#include <vector>

namespace ashlar::slots {

// A slot whose content is not whole: neither the boot loader nor systemd knows these types.
[[nodiscard]] const Guid& partial_root();   // 5e1a7b3c-0d52-4f0e-9d7b-2b1f6a8c4e01
[[nodiscard]] const Guid& partial_verity(); // 5e1a7b3c-0d52-4f0e-9d7b-2b1f6a8c4e02

struct Slot {
    gpt::Partition root, verity;
};
struct Slots {
    Slot running, other;
};
// The running root is known by its root hash; of several others the largest is the one to write to (a node
// that lives on its medium has three, of which the medium's has no room). Error when the disk does not have it, or has no other slot.
[[nodiscard]] Slots slots_of(const gpt::Table& table, const Digest& running);

// What becomes of a slot before it is written, and when it is whole.
[[nodiscard]] std::vector<gpt::Change> as_partial(const Slot& slot);
[[nodiscard]] std::vector<gpt::Change> as_release(const Slots& slots, const Digest& root_hash, const std::string& release);

} // namespace ashlar::slots

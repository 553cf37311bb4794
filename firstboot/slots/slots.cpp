#include <slots/slots.hpp>

#include <base/error.hpp>
#include <base/random.hpp>
#include <signing/verity.hpp>

#include <algorithm>

namespace ashlar::slots {

namespace {

using gpt::Partition;

constexpr std::uint64_t read_only = std::uint64_t{1} << 60U; // UAPI.2

// RFC 9562, version 4.
Guid random_guid() {
    Guid::Bytes bytes{};
    fill_with_random(bytes);
    bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
    return Guid(bytes);
}

Partition with_id(const gpt::Table& table, const Guid& id) {
    const auto found = std::ranges::find(table.partitions, id, &Partition::id);
    if (found == table.partitions.end()) throw Error("cannot find the running root on its own disk: its partition table has no such identifiers");
    return *found;
}

// The largest: the first slot of a node that lives on its medium has only the medium's size.
Partition beside(const gpt::Table& table, const Partition& known, const Guid& partial) {
    const Partition* found = nullptr;
    for (const Partition& p : table.partitions)
        if (p.number != known.number && (p.type == known.type || p.type == partial) && (found == nullptr || p.size > found->size)) found = &p;
    if (found == nullptr) throw Error("cannot find a second slot: the disk was not laid out by an installation");
    return *found;
}

} // namespace

const Guid& partial_root() {
    static const Guid type = *Guid::from_text("5e1a7b3c-0d52-4f0e-9d7b-2b1f6a8c4e01");
    return type;
}

const Guid& partial_verity() {
    static const Guid type = *Guid::from_text("5e1a7b3c-0d52-4f0e-9d7b-2b1f6a8c4e02");
    return type;
}

Slots slots_of(const gpt::Table& table, const Digest& running) {
    const Slot slot{with_id(table, data_partition_of(running)), with_id(table, hash_partition_of(running))};
    return {.running = slot, .other = {beside(table, slot.root, partial_root()), beside(table, slot.verity, partial_verity())}};
}

// The old identifiers go too: a UKI of before that somebody puts back finds no root.
std::vector<gpt::Change> as_partial(const Slot& slot) {
    return {{slot.root.number, partial_root(), random_guid(), "_partial"}, {slot.verity.number, partial_verity(), random_guid(), "_partial"}};
}

std::vector<gpt::Change> as_release(const Slots& slots, const Digest& root_hash, const std::string& release) {
    return {{slots.other.root.number, slots.running.root.type, data_partition_of(root_hash), "root_" + release, read_only},
            {slots.other.verity.number, slots.running.verity.type, hash_partition_of(root_hash), "verity_" + release, read_only}};
}

} // namespace ashlar::slots
